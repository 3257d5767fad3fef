#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "compute/base/request_context.h"
#include "compute/base/status.h"
#include "fusion/encoders/encoder_set.h"
#include "fusion/vision_pipeline.h"
#include "fusion/visual_cache.h"

namespace sightline {

struct VisionInfo {
  std::string model;  // without "models/"
  int64_t parameter_count = 0;
  int channels = 0;                  // width of a visual token
  bool images = true, clips = true;  // what the model takes
};

// Turns image and clip files into visual tokens, host floats wherever they were computed. The local
// implementation calls the pipeline and hands on its result without a copy; the remote one is a
// gRPC stub. Thread-safe.
class VisionRole {
 public:
  virtual ~VisionRole() = default;
  // Blocks. The role takes the smaller of `limits` and its own. INVALID_ARGUMENT: the file cannot
  // be read or is over a limit. CANCELLED or DEADLINE_EXCEEDED: as `context`.
  virtual StatusOr<FoundMedia> Encode(const MediaItem& item, const MediaLimits& limits,
                                      const RequestContext& context) = 0;
  // Runs an image encoder of its own, or the model's (name empty or the model's). NOT_FOUND: no
  // encoder of that name; FAILED_PRECONDITION: classes are wanted of one that has none.
  virtual StatusOr<ImageFeatures> EncodeImage(const ImageRequest& request,
                                              const MediaLimits& limits,
                                              const RequestContext& context) = 0;
  virtual StatusOr<VisionInfo> Info(const RequestContext& context) = 0;
};

}  // namespace sightline
