#include "tools/parity/encoder_parity.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "compute/ops/shape_ops.h"
#include "fusion/encoders/encoder_registry.h"
#include "fusion/families/scenes.h"
#include "tools/parity/text_parity.h"
#ifdef SIGHTLINE_HAVE_MEDIA
#include "vision/decode.h"
#endif

namespace sightline::parity {
namespace {

namespace fs = std::filesystem;
using vision::EncodedImage;
using vision::ImageEncoder;

bool IsCaseFile(const fs::path& p) {
  return p.extension() == ".safetensors" && !p.filename().string().starts_with("model");
}

std::vector<fs::path> CaseFiles(const std::string& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    if (IsCaseFile(entry.path())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// As the golden stores it: whole, or every n-th value.
std::vector<float> Thinned(std::vector<float> values, size_t stored) {
  if (values.size() == stored || values.size() <= 60000) return values;
  size_t step = std::max<size_t>(1, values.size() / 20000);
  std::vector<float> some;
  for (size_t i = 0; i < values.size(); i += step) some.push_back(values[i]);
  return some;
}

// What Encode gave for tap `name`, in the published layout; nothing when there is no such tap.
std::vector<float> TapOf(const ImageEncoder& encoder, const EncodedImage& got,
                         const std::string& name) {
  if (name == "logits")
    return got.logits.shape.empty() ? std::vector<float>() : HostValues(got.logits);
  if (name == "features") return HostValues(got.features);
  if (name == "pooled") return HostValues(got.pooled);
  for (const vision::FeatureMap& m : got.maps) {
    if (m.name != name) continue;
    return HostValues(encoder.info().channels_last_maps ? m.map : MapToPlanes(m.map));
  }
  return {};
}

#ifdef SIGHTLINE_HAVE_MEDIA
Status CompareFile(const ImageEncoder& encoder, const fs::path& file, const Tensor& want,
                   const std::string& name, Report* report) {
  SL_ASSIGN_OR_RETURN(std::string bytes, ReadSmallFile(file.string()));
  SL_ASSIGN_OR_RETURN(DecodedImage decoded, DecodeImage(bytes));
  SL_ASSIGN_OR_RETURN(Tensor got, vision::PreparePixels(decoded.image, encoder.info().pixels));
  const auto& std = encoder.info().pixels.norm.std;
  std::vector<float> a = HostValues(got), b = HostValues(want);
  size_t far = 0, plane = std::max<size_t>(1, b.size() / 3);
  bool same = a.size() == b.size();
  for (size_t i = 0; same && i < b.size(); ++i) {
    far += std::fabs(static_cast<double>(a[i]) - b[i]) * std[i / plane % 3] > 2.001 / 255;
  }
  double share = same ? static_cast<double>(far) / static_cast<double>(b.size()) : 1;
  report->Add(
      {name, "pixels from files", share, 1e-3, same ? "share beyond 2/255" : "sizes differ"});
  return absl::OkStatus();
}
#endif

Status CompareFiles(const ImageEncoder& encoder, const fs::path& golden_path,
                    const GoldenFile& golden, Report* report) {
#ifdef SIGHTLINE_HAVE_MEDIA
  fs::path stem = golden_path.parent_path() / golden_path.stem();
  for (const fs::path& file : {fs::path(stem.string() + ".png"), stem / "image.png"}) {
    if (!fs::is_regular_file(file)) continue;
    SL_ASSIGN_OR_RETURN(Tensor want, golden.Floats("in.pixel_values"));
    SL_RETURN_IF_ERROR(CompareFile(encoder, file, want, golden_path.stem().string(), report));
  }
#endif
  return absl::OkStatus();
}

}  // namespace

bool IsEncoderFolder(const std::string& directory) {
  if (!fs::exists(directory + "/config.json") || fs::exists(directory + "/golden") ||
      fs::exists(directory + "/golden.safetensors")) {
    return false;
  }
  return !CaseFiles(directory).empty();
}

Status CompareEncoderCase(const ImageEncoder& encoder, const GoldenFile& golden,
                          const std::string& name, Report* report) {
  SL_ASSIGN_OR_RETURN(Tensor pixels, golden.Floats("in.pixel_values"));
  if (pixels.shape.size() != 4 || pixels.shape[1] != 3 || pixels.shape[0] < 1) {
    return absl::InvalidArgumentError("in.pixel_values must be [N, 3, H, W]");
  }
  std::vector<EncodedImage> all;
  int64_t n = pixels.shape[0], rows = pixels.rows() / n;
  for (int64_t i = 0; i < n; ++i) {
    Tensor one = Reshaped(Rows(pixels, i * rows, rows), {3, pixels.shape[2], pixels.shape[3]});
    SL_ASSIGN_OR_RETURN(EncodedImage image, encoder.Encode(one));
    all.push_back(std::move(image));
  }
  for (const auto& [tensor, info] : golden.tensors()) {
    if (!tensor.starts_with("out.")) continue;
    SL_ASSIGN_OR_RETURN(Tensor want, golden.Floats(tensor));
    std::string tap = tensor.substr(4);
    std::vector<float> got;
    for (const EncodedImage& image : all) {
      std::vector<float> part = TapOf(encoder, image, tap);
      got.insert(got.end(), part.begin(), part.end());
    }
    std::string note = got.empty() ? "no such tap" : "";
    got = Thinned(std::move(got), want.data.size());
    report->Add({name, tap, RelativeError(got, want.data), kFloatBound, note});
  }
  return absl::OkStatus();
}

StatusOr<Report> CompareEncoderFolder(const std::string& directory, const Device& device) {
  Report report;
  SL_ASSIGN_OR_RETURN(auto encoder, LoadImageEncoder(directory, "", device));
  for (const fs::path& file : CaseFiles(directory)) {
    SL_ASSIGN_OR_RETURN(auto golden, GoldenFile::Open(file.string()));
    SL_RETURN_IF_ERROR(CompareFiles(*encoder, file, *golden, &report));
    SL_RETURN_IF_ERROR(CompareEncoderCase(*encoder, *golden, file.stem().string(), &report));
  }
  return report;
}

}  // namespace sightline::parity
