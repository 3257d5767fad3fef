#pragma once

#include <memory>
#include <semaphore>
#include <string>

#include "services/roles/vision_role.h"

namespace sightline {

// Calls the pipeline on the caller's thread; at most `parallel` at once, so that decoding does not
// starve generation.
class LocalVision : public VisionRole {
 public:
  LocalVision(std::unique_ptr<VisionPipeline> pipeline, int parallel);
  StatusOr<std::shared_ptr<const EncodedMedia>> Encode(const MediaItem& item,
                                                       const RequestContext& context) override;
  StatusOr<VisionInfo> Info(const RequestContext& context) override;

 private:
  std::unique_ptr<VisionPipeline> pipeline_;
  std::counting_semaphore<4096> places_;
};

}  // namespace sightline
