#include "vision/encoders/encoder.h"

namespace sightline::vision {

Status CheckPixels(const Tensor& p, int64_t low, int64_t high) {
  bool fits = p.shape.size() == 3 && p.shape[0] == 3;
  for (size_t i = 1; fits && i < 3; ++i) fits = p.shape[i] >= low && p.shape[i] <= high;
  if (fits) return absl::OkStatus();
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MEDIA_DOES_NOT_FIT_MODEL",
                         "the encoder takes pixels [3, H, W] with sides of " + std::to_string(low) +
                             (low == high ? "" : " to " + std::to_string(high)) + ", not " +
                             ShapeText(p.shape));
}

}  // namespace sightline::vision
