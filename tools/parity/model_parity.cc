#include "tools/parity/model_parity.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "compute/ops/shape_ops.h"
#include "fusion/families/scenes.h"
#include "tools/parity/prompt_parity.h"
#include "tools/parity/text_parity.h"
#ifdef SIGHTLINE_HAVE_MEDIA
#include "vision/decode.h"
#endif

namespace sightline::parity {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> Sorted(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Share of values more than 2/255 away before normalisation; 1 when the sizes differ.
double FarPixels(const Tensor& got, const Tensor& want, double std) {
  if (got.data.size() != want.data.size() || want.data.empty()) return 1;
  size_t far = 0;
  for (size_t i = 0; i < want.data.size(); ++i) {
    far += std::fabs(static_cast<double>(got.data[i]) - want.data[i]) * std > 2.001 / 255;
  }
  return static_cast<double>(far) / static_cast<double>(want.data.size());
}

StatusOr<double> ClipRate(const std::string& folder) {
  SL_ASSIGN_OR_RETURN(Json json, ReadJsonFile(folder, "case.json"));
  ConfigReader c(json, "case.json");
  double fps = c.Real("video_fps", 1e-3, 1e3, 0);
  SL_RETURN_IF_ERROR(c.status());
  return fps;
}

#ifdef SIGHTLINE_HAVE_MEDIA
StatusOr<std::vector<Image>> ReadPictures(const std::string& folder, const std::string& stem) {
  std::vector<Image> images;
  for (const fs::path& p : Sorted(folder)) {
    if (!p.filename().string().starts_with(stem)) continue;
    SL_ASSIGN_OR_RETURN(std::string bytes, ReadSmallFile(p.string()));
    SL_ASSIGN_OR_RETURN(DecodedImage decoded, DecodeImage(bytes));
    images.push_back(std::move(decoded.image));
  }
  return images;
}
#endif

}  // namespace

StatusOr<bool> ReadVisualInput(const GoldenFile& golden, VisualInput* in) {
  in->video = golden.Has("in.pixel_values_videos");
  std::string pixels = in->video ? "in.pixel_values_videos" : "in.pixel_values";
  if (!golden.Has(pixels)) return false;
  SL_ASSIGN_OR_RETURN(in->pixels, golden.Floats(pixels));
  std::string grid = in->video ? "in.video_grid_thw" : "in.image_grid_thw";
  if (golden.Has(grid)) {
    SL_ASSIGN_OR_RETURN(std::vector<int32_t> g, golden.Ints(grid));
    for (size_t i = 0; i + 2 < g.size(); i += 3) in->grids.push_back({g[i], g[i + 1], g[i + 2]});
  }
  if (golden.Has("in.second_per_grid_ts")) {
    SL_ASSIGN_OR_RETURN(Tensor seconds, golden.Floats("in.second_per_grid_ts"));
    in->seconds_per_grid = seconds.data;
  }
  if (golden.Has("in.image_sizes")) {
    SL_ASSIGN_OR_RETURN(std::vector<int32_t> s, golden.Ints("in.image_sizes"));
    for (size_t i = 0; i + 1 < s.size(); i += 2) in->sizes.push_back({s[i], s[i + 1]});
  }
  return true;
}

Status CompareCase(const VlModel& model, const GoldenFile& golden, const std::string& name,
                   KvFormat kv, Report* report) {
  VisualInput visual;
  SL_ASSIGN_OR_RETURN(bool seen, ReadVisualInput(golden, &visual));
  VisualRows rows;
  TextCase text{name,
                [&](const std::vector<int32_t>& ids) {
                  return model.Prompt(ids, seen ? &visual : nullptr, &rows);
                },
                model.spec().end_ids, kv};
  SL_RETURN_IF_ERROR(CompareText(model.decoder(), golden, text, report));
  if (!seen || !golden.Has("out.image_hidden_states")) return absl::OkStatus();
  SL_ASSIGN_OR_RETURN(Tensor want, golden.Floats("out.image_hidden_states"));
  report->Add({name, "image_hidden_states", RelativeError(HostValues(rows.rows), want.data),
               kFloatBound, ""});
  return absl::OkStatus();
}

Status ComparePixels(const VlModel& model, const GoldenFile& golden, const std::string& folder,
                     Report* report) {
#ifdef SIGHTLINE_HAVE_MEDIA
  VisualInput want;
  SL_ASSIGN_OR_RETURN(bool seen, ReadVisualInput(golden, &want));
  if (!seen || !model.vision()) return absl::OkStatus();
  SL_ASSIGN_OR_RETURN(std::vector<Image> images,
                      ReadPictures(folder, want.video ? "frame" : "image"));
  if (images.empty()) return absl::OkStatus();
  SL_ASSIGN_OR_RETURN(double fps, ClipRate(folder));
  SL_ASSIGN_OR_RETURN(VisualInput got, model.vision()->Preprocess(images, want.video, fps));
  std::string name = fs::path(folder).filename().string();
  bool layout = got.grids == want.grids && got.sizes == want.sizes;
  double far = layout ? FarPixels(got.pixels, want.pixels, model.vision()->pixel_std()) : 1;
  report->Add({name, "pixels from files", far, 1e-3,
               layout ? "share beyond 2/255" : "grids or sizes differ"});
  return absl::OkStatus();
#else
  return ClipRate(folder).status();
#endif
}

StatusOr<Report> CompareFolder(const std::string& directory, WeightChoice weights,
                               const Device& device, const std::string& path, KvFormat kv) {
  Report report;
  SL_ASSIGN_OR_RETURN(auto model, VlModel::Load(path.empty() ? directory : path, device, weights));
  if (fs::exists(directory + "/golden.safetensors")) {
    SL_ASSIGN_OR_RETURN(auto golden, GoldenFile::Open(directory + "/golden.safetensors"));
    SL_RETURN_IF_ERROR(CompareCase(*model, *golden, "decoder", kv, &report));
    return report;
  }
  SL_RETURN_IF_ERROR(CompareTokenizer(directory, &report));
  SL_RETURN_IF_ERROR(ComparePrompts(directory, &report));
  for (const fs::path& folder : Sorted(directory + "/golden")) {
    if (!fs::is_directory(folder)) continue;
    SL_ASSIGN_OR_RETURN(auto golden, GoldenFile::Open(folder.string() + "/golden.safetensors"));
    SL_RETURN_IF_ERROR(ComparePixels(*model, *golden, folder.string(), &report));
    SL_RETURN_IF_ERROR(CompareCase(*model, *golden, folder.filename().string(), kv, &report));
  }
  return report;
}

}  // namespace sightline::parity
