#include "services/roles/local_vision.h"

#include <chrono>
#include <new>

namespace sightline {

LocalVision::LocalVision(std::unique_ptr<VisionPipeline> pipeline, int parallel)
    : pipeline_(std::move(pipeline)), places_(parallel) {}

StatusOr<std::shared_ptr<const EncodedMedia>> LocalVision::Encode(const MediaItem& item,
                                                                  const RequestContext& context) {
  while (!places_.try_acquire_for(std::chrono::milliseconds(10)))
    SL_RETURN_IF_ERROR(context.Check());
  struct Place {
    std::counting_semaphore<4096>* s;
    ~Place() { s->release(); }
  } place{&places_};
  try {
    SL_ASSIGN_OR_RETURN(EncodedMedia media, pipeline_->Encode(item, context));
    return std::make_shared<const EncodedMedia>(std::move(media));
  } catch (const std::bad_alloc&) {
    return ErrorWithReason(absl::StatusCode::kResourceExhausted, "OUT_OF_MEMORY",
                           "there is not enough memory for this image or clip now");
  }
}

StatusOr<VisionInfo> LocalVision::Info(const RequestContext&) {
  const MediaTraits& t = pipeline_->traits();
  return VisionInfo{t.model, t.parameter_count, t.channels, t.images, t.clips};
}

}  // namespace sightline
