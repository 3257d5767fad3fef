// Stands in where the build has no decoders: frames at hand still work.
#include "fusion/vision_pipeline.h"

namespace sightline {

StatusOr<EncodedMedia> VisionPipeline::Encode(const MediaItem&, const RequestContext&) const {
  return absl::UnimplementedError(
      "this build cannot decode files; configure with SIGHTLINE_MEDIA=ON");
}

}  // namespace sightline
