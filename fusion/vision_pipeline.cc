#include "fusion/vision_pipeline.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace sightline {

std::vector<double> SampleTimes(double duration_s, double frames_per_second, int least, int most) {
  int n = std::clamp(static_cast<int>(std::ceil(duration_s * frames_per_second - 1e-9)), least, most);
  std::vector<double> times;
  for (int i = 0; i < n; ++i) times.push_back((i + 0.5) * duration_s / n);
  return times;
}

StatusOr<std::unique_ptr<VisionPipeline>> VisionPipeline::Load(const std::string& directory) {
  std::unique_ptr<VisionPipeline> p(new VisionPipeline());
  SL_ASSIGN_OR_RETURN(p->spec_, ReadScenesSpec(directory));
  SL_ASSIGN_OR_RETURN(auto file, WeightFile::Open(directory + "/model.safetensors"));
  const ModelSpec& s = p->spec_;
  SL_ASSIGN_OR_RETURN(p->encoder_, vision::ScenesEncoder::Load(s.vision, *file, s.vision_prefix));
  Status first;
  auto read = [&](const std::string& name, int64_t out, int64_t in) {
    Linear l;
    auto w = file->Read(s.projector_prefix + name + ".weight", {out, in});
    auto b = file->Read(s.projector_prefix + name + ".bias", {out});
    if (first.ok()) first = !w.ok() ? w.status() : b.status();
    if (w.ok()) l.w = *std::move(w);
    if (b.ok()) l.bias = b->data;
    return l;
  };
  int64_t c = s.vision.dim2, merge = s.frame_merge;
  p->merge_ = read("merge", c, merge * merge * c);
  p->fc1_ = read("fc1", s.text.hidden, c);
  p->fc2_ = read("fc2", s.text.hidden, s.text.hidden);
  SL_RETURN_IF_ERROR(first);
  for (const auto& [name, t] : file->tensors()) {
    if (name.rfind(s.text_prefix, 0) != 0) p->parameters_ += Tensor::Count(t.shape);
  }
  return p;
}

StatusOr<VisualSpan> VisionPipeline::EncodeOne(const Image& image, bool frame, double* domain_logit) const {
  vision::Canvas canvas = vision::NearestCanvas(frame ? spec_.frame_canvases : spec_.image_canvases, image.width_px, image.height_px);
  Image at_canvas = vision::ResizeTriangle(image, canvas.width_px, canvas.height_px);
  SL_ASSIGN_OR_RETURN(vision::EncodedMap map, encoder_->Encode(at_canvas.rgb.data(), canvas.width_px, canvas.height_px));
  *domain_logit = map.domain_logit;
  int64_t h = map.tokens.shape[0], w = map.tokens.shape[1], c = map.tokens.shape[2];
  Tensor x = std::move(map.tokens);
  if (frame) {  // 2 x 2 tokens side by side, row-major
    int64_t m = spec_.frame_merge;
    Tensor joined({h / m * (w / m), m * m * c});
    for (int64_t i = 0; i < joined.rows(); ++i) {
      for (int64_t k = 0; k < m * m; ++k) {
        int64_t row = (i / (w / m) * m + k / m) * w + i % (w / m) * m + k % m;
        std::memcpy(joined.row(i) + k * c, x.row(row), static_cast<size_t>(c) * sizeof(float));
      }
    }
    x = Apply(joined, merge_);
    h /= m;
    w /= m;
  }
  x = Apply(x, fc1_);
  GeluInPlace(x.data.data(), static_cast<int64_t>(x.data.size()));
  x = Apply(x, fc2_);
  VisualSpan span;
  span.rows = static_cast<int>(h);
  span.cols = static_cast<int>(w);
  span.features = std::move(x.data);
  return span;
}

StatusOr<EncodedMedia> VisionPipeline::EncodeFrames(const std::vector<Image>& frames, const std::vector<double>& times_s,
                                                    const RequestContext& context) const {
  if (frames.empty()) return absl::InvalidArgumentError("there is no frame to look at");
  bool clip = !times_s.empty();
  SL_CHECK(!clip || times_s.size() == frames.size());
  EncodedMedia media;
  media.kind = clip ? MediaItem::Kind::kVideo : MediaItem::Kind::kImage;
  media.channels = channels();
  media.source_width_px = frames[0].width_px;
  media.source_height_px = frames[0].height_px;
  double score = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    SL_RETURN_IF_ERROR(context.Check());
    double logit = 0;
    SL_ASSIGN_OR_RETURN(VisualSpan span, EncodeOne(frames[i], clip, &logit));
    if (clip) span.time_s = times_s[i];
    score += 1 / (1 + std::exp(-logit));
    media.spans.push_back(std::move(span));
  }
  media.out_of_domain_score = score / static_cast<double>(frames.size());
  return media;
}

}  // namespace sightline
