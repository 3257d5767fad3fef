#include "fusion/vision_pipeline.h"

namespace sightline {

StatusOr<std::unique_ptr<VisionPipeline>> VisionPipeline::Load(const std::string& directory,
                                                               const LoadProgress& progress,
                                                               const Device& device,
                                                               WeightChoice weights) {
  std::unique_ptr<VisionPipeline> p(new VisionPipeline());
  SL_ASSIGN_OR_RETURN(p->encoder_, LoadMediaEncoder(directory, progress, device, weights));
  return p;
}

Status VisionPipeline::CheckTaken(MediaItem::Kind kind) const {
  const MediaTraits& t = traits();
  bool clip = kind == MediaItem::Kind::kVideo;
  if (clip ? t.clips : t.images) return absl::OkStatus();
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MEDIA_NOT_TAKEN",
                         !t.images ? "is not taken: this model reads text alone"
                                   : "is not taken: this model looks at images, not at clips");
}

StatusOr<EncodedMedia> VisionPipeline::EncodeFrames(const std::vector<Image>& frames,
                                                    const std::vector<double>& times_s,
                                                    const RequestContext& context) const {
  if (frames.empty()) return absl::InvalidArgumentError("there is no frame to look at");
  SL_CHECK(times_s.empty() || times_s.size() == frames.size());
  SL_RETURN_IF_ERROR(
      CheckTaken(times_s.empty() ? MediaItem::Kind::kImage : MediaItem::Kind::kVideo));
  return encoder_->Encode(frames, times_s, context);
}

}  // namespace sightline
