// The part of the encoder set that needs decoders.
#include "fusion/encoders/encoder_set.h"
#include "vision/decode.h"

namespace sightline {

StatusOr<ImageFeatures> EncoderSet::Encode(const ImageRequest& request, int64_t max_pixels,
                                           const RequestContext& context) const {
  SL_RETURN_IF_ERROR(context.Check());
  SL_RETURN_IF_ERROR(Find(request).status());
  ImageLimits limits;
  limits.max_pixels = max_pixels;
  SL_ASSIGN_OR_RETURN(DecodedImage decoded, DecodeImage(request.bytes, limits));
  SL_RETURN_IF_ERROR(context.Check());
  SL_ASSIGN_OR_RETURN(ImageFeatures features, EncodePixels(request, decoded.image));
  SL_RETURN_IF_ERROR(context.Check());
  return features;
}

}  // namespace sightline
