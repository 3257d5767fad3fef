#pragma once

#include <memory>
#include <semaphore>
#include <string>

#include "services/roles/vision_role.h"

namespace sightline {

// Calls the pipeline on the caller's thread; at most `parallel` at once, so that decoding does not
// starve generation. Keeps visual tokens by content, up to `cache_bytes` of them.
class LocalVision : public VisionRole {
 public:
  LocalVision(std::unique_ptr<VisionPipeline> pipeline, std::unique_ptr<EncoderSet> encoders,
              int parallel, int64_t cache_bytes);
  StatusOr<FoundMedia> Encode(const MediaItem& item, const MediaLimits& limits,
                              const RequestContext& context) override;
  StatusOr<ImageFeatures> EncodeImage(const ImageRequest& request, const MediaLimits& limits,
                                      const RequestContext& context) override;
  StatusOr<VisionInfo> Info(const RequestContext& context) override;

 private:
  using Places = std::counting_semaphore<4096>;
  // Waits for a place, does the work and gives the place back. Out of memory is an error like
  // others.
  template <typename Work>
  auto Placed(const RequestContext& context, const Work& work) -> decltype(work());
  // Decodes and encodes a file that is not in the cache.
  StatusOr<MediaPtr> Make(const MediaItem& item, const MediaLimits& limits,
                          const RequestContext& context) const;
  std::unique_ptr<VisionPipeline> pipeline_;
  std::unique_ptr<EncoderSet> encoders_;
  VisualCache cache_;
  Places places_;
};

}  // namespace sightline
