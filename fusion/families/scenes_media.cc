// The visual half of the `scenes` family: canvas -> encoder -> projector, with the out-of-domain
// head.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

#include "compute/ops/shape_ops.h"
#include "fusion/families/model_kinds.h"
#include "fusion/families/scenes.h"

namespace sightline {
namespace {

// Reports what has been read of a file.
class LoadCount {
 public:
  LoadCount(const WeightFile& file, const LoadProgress& progress)
      : file_(file), progress_(progress) {
    step_.tensors_total = static_cast<int64_t>(file.tensors().size());
    for (const auto& [name, t] : file.tensors()) step_.bytes_total += Bytes(t);
  }
  // Every tensor whose name begins so has been read.
  void Add(const std::string& prefix) {
    const auto& tensors = file_.tensors();
    for (auto t = tensors.lower_bound(prefix); t != tensors.end() && t->first.rfind(prefix, 0) == 0;
         ++t) {
      ++step_.tensors_done;
      step_.bytes_done += Bytes(t->second);
    }
    if (progress_) progress_(step_);
  }

 private:
  static int64_t Bytes(const TensorInfo& t) { return static_cast<int64_t>(t.end - t.begin); }
  const WeightFile& file_;
  const LoadProgress& progress_;
  LoadStep step_;
};

class ScenesMedia : public MediaEncoder {
 public:
  static StatusOr<std::unique_ptr<MediaEncoder>> Load(const std::string& directory,
                                                      const LoadProgress& progress,
                                                      const Device& device);
  const MediaTraits& traits() const override { return traits_; }
  StatusOr<EncodedMedia> Encode(const std::vector<Image>& frames,
                                const std::vector<double>& times_s,
                                const RequestContext& context) const override;

 private:
  // What the encoder sees in one picture, and a frame's tokens merged: [rows * cols, dim2].
  struct VisualMap {
    int64_t rows = 0, cols = 0;
    Tensor tokens;
    double domain_logit = 0;
  };
  StatusOr<VisualMap> EncodeMap(const Image& image, bool frame) const;
  // Neighbours of a clip's frame: the frames at its sides, or itself at an end. Both null for a
  // still.
  VisualSpan Project(const VisualMap& map, const VisualMap* previous, const VisualMap* next) const;

  MediaTraits traits_;
  ModelSpec spec_;
  std::unique_ptr<vision::ScenesEncoder> encoder_;
  Linear merge_, fc1_, fc2_;
  Linear fc_previous_, fc_next_;  // no bias; empty where the model has no such term
};

StatusOr<std::unique_ptr<MediaEncoder>> ScenesMedia::Load(const std::string& directory,
                                                          const LoadProgress& progress,
                                                          const Device& device) {
  auto p = std::make_unique<ScenesMedia>();
  SL_ASSIGN_OR_RETURN(p->spec_, ReadScenesSpec(directory));
  SL_ASSIGN_OR_RETURN(auto file, WeightFile::Open(directory + "/model.safetensors"));
  const ModelSpec& s = p->spec_;
  p->traits_ = {s.name, static_cast<int>(s.text.hidden),
                0,      true,
                true,   {s.frames_per_second, s.min_frames, s.max_frames}};
  SL_ASSIGN_OR_RETURN(p->encoder_,
                      vision::ScenesEncoder::Load(s.vision, *file, s.vision_prefix, device));
  LoadCount count(*file, progress);
  count.Add(s.vision_prefix);
  Status first;
  auto read = [&](const std::string& name, int64_t out, int64_t in) {
    Linear l;
    auto w = file->Read(s.projector_prefix + name + ".weight", {out, in});
    auto b = file->Read(s.projector_prefix + name + ".bias", {out});
    if (first.ok()) first = !w.ok() ? w.status() : b.status();
    if (w.ok()) l.w = *std::move(w);
    if (b.ok()) l.bias = b->data;
    count.Add(s.projector_prefix + name + ".");
    return ToDevice(l, device);
  };
  int64_t c = s.vision.dim2, merge = s.frame_merge;
  p->merge_ = read("merge", c, merge * merge * c);
  p->fc1_ = read("fc1", s.text.hidden, c);
  p->fc2_ = read("fc2", s.text.hidden, s.text.hidden);
  if (s.frame_neighbours) {
    for (auto [to, name] : {std::pair{&p->fc_previous_, "fc_prev"}, {&p->fc_next_, "fc_next"}}) {
      SL_ASSIGN_OR_RETURN(Tensor w,
                          file->Read(s.projector_prefix + name + ".weight", {s.text.hidden, c}));
      to->w = w.To(device);
      count.Add(s.projector_prefix + name + ".");
    }
  }
  SL_RETURN_IF_ERROR(first);
  for (const auto& [name, t] : file->tensors()) {
    if (name.rfind(s.text_prefix, 0) != 0) p->traits_.parameter_count += Tensor::Count(t.shape);
  }
  return std::unique_ptr<MediaEncoder>(std::move(p));
}

StatusOr<ScenesMedia::VisualMap> ScenesMedia::EncodeMap(const Image& image, bool frame) const {
  vision::Canvas canvas = vision::NearestCanvas(frame ? spec_.frame_canvases : spec_.image_canvases,
                                                image.width_px, image.height_px);
  Image at_canvas = vision::ResizeTriangle(image, canvas.width_px, canvas.height_px);
  SL_ASSIGN_OR_RETURN(vision::EncodedMap map,
                      encoder_->Encode(at_canvas.rgb.data(), canvas.width_px, canvas.height_px));
  int64_t h = map.tokens.shape[0], w = map.tokens.shape[1], c = map.tokens.shape[2];
  Tensor x = std::move(map.tokens);
  if (frame) {  // 2 x 2 tokens side by side, row-major
    int64_t m = spec_.frame_merge;
    int64_t units = h / m * (w / m);
    std::vector<int32_t> order;
    for (int64_t i = 0; i < units * m * m; ++i) {
      int64_t unit = i / (m * m), k = i % (m * m);
      int64_t row = (unit / (w / m) * m + k / m) * w + unit % (w / m) * m + k % m;
      order.push_back(static_cast<int32_t>(row));
    }
    x = Apply(Reshaped(GatherRows(x, order), {units, m * m * c}), merge_);
    h /= m;
    w /= m;
  }
  return VisualMap{h, w, std::move(x), map.domain_logit};
}

VisualSpan ScenesMedia::Project(const VisualMap& map, const VisualMap* previous,
                                const VisualMap* next) const {
  Tensor x = Apply(map.tokens, fc1_);
  // hidden_t = gelu(fc1 x_t + b + fc_prev x_{t-1} + fc_next x_{t+1}): change shows within one
  // visual token.
  for (auto [neighbour, layer] : {std::pair{previous, &fc_previous_}, {next, &fc_next_}}) {
    if (neighbour && !layer->w.data.empty()) Add(&x, Apply(neighbour->tokens, *layer));
  }
  Gelu(&x);
  x = Apply(x, fc2_);
  VisualSpan span;
  span.rows = static_cast<int>(map.rows);
  span.cols = static_cast<int>(map.cols);
  span.features = HostValues(x);
  return span;
}

// A clip is as strange as its strangest quarter: a film of some seconds within it is warned of, a
// frame that went wrong is not.
double StrangestQuarter(std::vector<double> scores) {
  std::sort(scores.begin(), scores.end(), std::greater<>());
  const size_t n = std::max<size_t>(1, scores.size() / 4);
  return std::accumulate(scores.begin(), scores.begin() + static_cast<int64_t>(n), 0.0) /
         static_cast<double>(n);
}

StatusOr<EncodedMedia> ScenesMedia::Encode(const std::vector<Image>& frames,
                                           const std::vector<double>& times_s,
                                           const RequestContext& context) const {
  if (frames.empty()) return absl::InvalidArgumentError("there is no frame to look at");
  bool clip = !times_s.empty();
  SL_CHECK(!clip || times_s.size() == frames.size());
  EncodedMedia media;
  media.kind = clip ? MediaItem::Kind::kVideo : MediaItem::Kind::kImage;
  media.channels = traits_.channels;
  media.source_width_px = frames[0].width_px;
  media.source_height_px = frames[0].height_px;
  std::vector<double> scores;
  std::vector<VisualMap> maps;
  for (const Image& frame : frames) {
    SL_RETURN_IF_ERROR(context.Check());
    SL_ASSIGN_OR_RETURN(VisualMap map, EncodeMap(frame, clip));
    scores.push_back(1 / (1 + std::exp(-map.domain_logit)));
    maps.push_back(std::move(map));
  }
  // A neighbour of another shape (the picture turned within the clip) has no same places: the frame
  // stands in for it.
  auto neighbour = [&](size_t at, size_t i) {
    bool alike = maps[at].rows == maps[i].rows && maps[at].cols == maps[i].cols;
    return !clip ? nullptr : alike ? &maps[at] : &maps[i];
  };
  for (size_t i = 0; i < maps.size(); ++i) {
    media.spans.push_back(Project(maps[i], neighbour(i > 0 ? i - 1 : i, i),
                                  neighbour(std::min(i + 1, maps.size() - 1), i)));
    if (clip) media.spans.back().time_s = times_s[i];
  }
  media.out_of_domain_score = StrangestQuarter(std::move(scores));
  return media;
}

}  // namespace

StatusOr<std::unique_ptr<MediaEncoder>> LoadScenesMedia(const std::string& directory,
                                                        const LoadProgress& progress,
                                                        const Device& device, WeightChoice) {
  return ScenesMedia::Load(directory, progress, device);
}

}  // namespace sightline
