// Stands in where the build has no decoders: pixels at hand still work.
#include "fusion/encoders/encoder_set.h"

namespace sightline {

StatusOr<ImageFeatures> EncoderSet::Encode(const ImageRequest&, int64_t,
                                           const RequestContext&) const {
  return absl::UnimplementedError(
      "this build cannot decode files; configure with SIGHTLINE_MEDIA=ON");
}

}  // namespace sightline
