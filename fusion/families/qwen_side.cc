#include "fusion/families/qwen_side.h"

#include <cmath>

#include "fusion/families/readers.h"
#include "vision/preprocess/pixel_rule.h"

namespace sightline {
namespace {

class QwenSide : public VisionSide {
 public:
  QwenSide(const QwenVision& spec, std::unique_ptr<vision::QwenTower> tower)
      : spec_(spec), tower_(std::move(tower)) {}

  StatusOr<VisualInput> Preprocess(const std::vector<Image>& images, bool video,
                                   double fps) const override {
    VisualInput in;
    in.video = video;
    in.pixels = Tensor({0, spec_.tower.patch_floats()});
    if (images.empty()) return BadMedia("there is no picture");
    if (!video) {
      for (const Image& image : images) {
        std::vector<Image> frames(static_cast<size_t>(spec_.tower.frames), image);
        SL_RETURN_IF_ERROR(Append(std::move(frames), &in));
      }
      return in;
    }
    std::vector<Image> frames = images;
    while (frames.size() % static_cast<size_t>(spec_.tower.frames)) frames.push_back(frames.back());
    if (fps > 0)
      in.seconds_per_grid = {static_cast<float>(static_cast<double>(spec_.tower.frames) / fps)};
    SL_RETURN_IF_ERROR(Append(std::move(frames), &in));
    return in;
  }

  StatusOr<VisualRows> Encode(const VisualInput& in) const override {
    VisualRows out;
    std::vector<Tensor> rows;
    std::vector<std::vector<Tensor>> deepstack(spec_.tower.deepstack.size());
    int64_t row = 0, floats = spec_.tower.patch_floats();
    auto merge = static_cast<int32_t>(spec_.tower.merge);
    if (in.pixels.shape.size() != 2 || in.pixels.cols() != floats)
      return BadMedia("pixel_values have shape " + ShapeText(in.pixels.shape));
    for (const vision::Grid& g : in.grids) {
      if (g[0] < 1 || g[1] < 1 || g[2] < 1 || g[0] > 4096 || g[1] > 4096 || g[2] > 4096 ||
          g[1] % merge || g[2] % merge) {
        return BadMedia("a grid of patches is out of range");
      }
      int64_t n = int64_t{g[0]} * g[1] * g[2];
      if (n > in.pixels.rows() - row) return BadMedia("the grids name more patches than there are");
      Tensor patches({n, floats});
      std::copy_n(in.pixels.row(row), n * floats, patches.data.begin());
      row += n;
      for (int32_t t = 0; t < g[0]; ++t) out.spans.push_back({g[1] / merge, g[2] / merge});
      vision::TowerFeatures f = tower_->Encode(patches, g);
      rows.push_back(std::move(f.rows));
      for (size_t i = 0; i < deepstack.size(); ++i) {
        deepstack[i].push_back(std::move(f.deepstack[i]));
      }
    }
    if (row != in.pixels.rows()) return BadMedia("the grids name fewer patches than there are");
    if (rows.empty()) return BadMedia("there is no picture");
    out.rows = JoinRows(rows);
    for (const auto& level : deepstack) out.deepstack.push_back(JoinRows(level));
    return out;
  }

  StatusOr<std::vector<int32_t>> Positions(const std::vector<int32_t>& ids,
                                           const VisualInput& in) const override {
    return QwenPositions(spec_, ids, in);
  }
  double pixel_std() const override { return spec_.image.max_std(); }

 private:
  Status Append(std::vector<Image> frames, VisualInput* in) const {
    auto patch = static_cast<int>(spec_.tower.patch), merge = static_cast<int>(spec_.tower.merge);
    auto count = static_cast<int64_t>(frames.size());
    int64_t covered = in->video && spec_.budget_covers_clip ? count : 1;
    SL_ASSIGN_OR_RETURN(
        vision::BudgetSize size,
        vision::SizeInBudget(frames[0].height_px, frames[0].width_px, covered, patch * merge,
                             in->video ? spec_.video_min_pixels : spec_.min_pixels,
                             in->video ? spec_.video_max_pixels : spec_.max_pixels));
    const ImageConfig& config = in->video ? spec_.video : spec_.image;
    for (Image& f : frames)
      f = vision::Resize(f, static_cast<int>(size.width), static_cast<int>(size.height),
                         config.filter);
    auto per = static_cast<int>(spec_.tower.frames);
    Tensor patches = vision::ToMergedPatches(frames, patch, merge, per, config.norm);
    in->pixels = in->pixels.data.empty() ? std::move(patches) : JoinRows(in->pixels, patches);
    in->grids.push_back({static_cast<int32_t>(count / per),
                         static_cast<int32_t>(size.height / patch),
                         static_cast<int32_t>(size.width / patch)});
    return absl::OkStatus();
  }

  QwenVision spec_;
  std::unique_ptr<vision::QwenTower> tower_;
};

// Spans in the order of the prompt: one a picture; of a clip one, or one a frame.
std::vector<vision::Grid> Spans(const QwenVision& spec, const VisualInput& in) {
  std::vector<vision::Grid> spans;
  for (const vision::Grid& g : in.grids) {
    bool apart = in.video && spec.frames_apart;
    for (int32_t t = 0; t < (apart ? g[0] : 1); ++t)
      spans.push_back({apart ? 1 : g[0], g[1], g[2]});
  }
  return spans;
}

}  // namespace

TurnForm QwenTurn(const QwenVision& spec) {
  TurnForm f{.chat_template = QwenTemplate(/*system=*/true),
             .image_mark = "<|image_pad|>",
             .clip_mark = "<|video_pad|>",
             .image_place = spec.image_id,
             .video_place = spec.video_id};
  if (spec.frames_apart) {  // each frame has marks of its own inside those round the clip
    f.frame_open = "<{seconds} seconds><|vision_start|>";
    f.frame_close = "<|vision_end|>";
    f.frames_apart = true;
  }
  f.mrope = true;
  f.tokens_per_second = spec.tokens_per_second;
  return f;
}

void ReadQwenProcessor(const ModelConfigs& configs, QwenVision* spec, Status* status) {
  const Json& image_json = ImageProcessorJson(configs.processor);
  auto clip = configs.processor.find("video_processor");
  const Json& video_json =
      clip != configs.processor.end() && clip->is_object() ? *clip : image_json;
  ConfigReader image(image_json, "processor_config.json"),
      video(video_json, "processor_config.json");
  constexpr int64_t kMost = int64_t{1} << 32;
  auto budget = [](const ConfigReader& c, int64_t low, int64_t high, int64_t* least,
                   int64_t* most) {
    ConfigReader size(c, "size");
    *least = c.Int("min_pixels", 1, kMost, size.Int("shortest_edge", 1, kMost, low));
    *most = c.Int("max_pixels", 1, kMost, size.Int("longest_edge", 1, kMost, high));
  };
  budget(image, 3136, 12845056, &spec->min_pixels, &spec->max_pixels);
  budget(video, 100352, 602112, &spec->video_min_pixels, &spec->video_max_pixels);
  spec->image = ReadImageConfig(image);
  spec->video = ReadImageConfig(video);
  spec->tower.frames = image.Int("temporal_patch_size", 1, 16, spec->tower.frames);
  spec->clip.frames_per_second = video.Real("fps", 1e-3, 1e3, 2);
  spec->clip.min_frames = static_cast<int>(video.Int("min_frames", 1, 4096, 4));
  spec->clip.max_frames = static_cast<int>(video.Int("max_frames", 1, 1 << 16, 768));
  spec->clip.rule = spec->frames_apart ? FrameRule::kEnds : FrameRule::kStride;
  spec->clip.multiple = static_cast<int>(spec->tower.frames);
  if (spec->clip.max_frames < spec->clip.min_frames)
    video.Fail("max_frames", "must not be below min_frames");
  *status = image.status().ok() ? video.status() : image.status();
}

StatusOr<std::vector<int32_t>> QwenPositions(const QwenVision& spec,
                                             const std::vector<int32_t>& ids,
                                             const VisualInput& in) {
  size_t total = ids.size(), next_span = 0;
  auto merge = static_cast<int32_t>(spec.tower.merge);
  std::vector<int32_t> out(3 * total);
  std::vector<vision::Grid> spans = Spans(spec, in);
  int32_t next = 0;
  for (size_t i = 0; i < total;) {
    if (ids[i] != spec.image_id && ids[i] != spec.video_id) {
      out[i] = out[total + i] = out[2 * total + i] = next++;
      ++i;
      continue;
    }
    if (next_span == spans.size())
      return BadMedia("the prompt has more places for media than there are media");
    const vision::Grid& g = spans[next_span];
    int32_t h = g[1] / merge, w = g[2] / merge, start = next;
    auto n = static_cast<size_t>(g[0]) * static_cast<size_t>(h) * static_cast<size_t>(w);
    if (n > total - i) return BadMedia("the prompt ends inside a span of visual tokens");
    double seconds =
        in.video && next_span < in.seconds_per_grid.size() ? in.seconds_per_grid[next_span] : 1;
    double pace = in.video && spec.tokens_per_second > 0 ? seconds * spec.tokens_per_second : 1;
    for (size_t k = 0; k < n; ++k, ++i) {
      if (ids[i] != spec.image_id && ids[i] != spec.video_id)
        return BadMedia("a span of visual tokens is shorter than its grid");
      auto unit = static_cast<int32_t>(k);
      const int32_t frame = unit / (h * w);
      out[i] = start + static_cast<int32_t>(frame * pace);
      out[total + i] = start + unit / w % h;
      out[2 * total + i] = start + unit % w;
      for (size_t s = 0; s < 3; ++s) next = std::max(next, out[s * total + i] + 1);
    }
    ++next_span;
  }
  if (next_span != spans.size())
    return BadMedia("the prompt has fewer places for media than there are media");
  return out;
}

StatusOr<std::unique_ptr<VisionSide>> LoadQwenSide(const QwenVision& spec, Checkpoint* weights,
                                                   WeightChoice choice) {
  SL_ASSIGN_OR_RETURN(auto tower, vision::QwenTower::Load(spec.tower, PartReader(weights, "vision"),
                                                          weights->device(), choice));
  return std::make_unique<QwenSide>(spec, std::move(tower));
}

}  // namespace sightline
