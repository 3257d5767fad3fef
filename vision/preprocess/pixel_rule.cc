#include "vision/preprocess/pixel_rule.h"

#include <algorithm>
#include <cmath>

namespace sightline::vision {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 26;  // of the resized picture

// Where a crop of `keep` of `whole` begins. Halves go to the even neighbour, as std::nearbyint has
// it.
int Offset(int whole, int keep, bool floor_offsets) {
  double half = (whole - keep) / 2.0;
  return static_cast<int>(floor_offsets ? std::floor(half) : std::nearbyint(half));
}

}  // namespace

StatusOr<Tensor> PreparePixels(const Image& image, const PixelRule& r) {
  int h = static_cast<int>(r.height_px / r.crop_share),
      w = static_cast<int>(r.width_px / r.crop_share);
  int64_t ih = image.height_px, iw = image.width_px;
  if (!r.squash) {  // the shorter side meets the smaller target; the other keeps the aspect
    int64_t side = std::min(h, w);
    int64_t longer = side * std::max(ih, iw) / std::min(ih, iw);
    if (longer > kMostPixels / side) {
      return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MEDIA_DOES_NOT_FIT_MODEL",
                             "the picture is too narrow for this encoder");
    }
    h = static_cast<int>(ih <= iw ? side : longer);
    w = static_cast<int>(ih <= iw ? longer : side);
  }
  Image resized = Resize(image, w, h, r.filter);
  Image middle = Crop(resized, Offset(w, r.width_px, r.floor_offsets),
                      Offset(h, r.height_px, r.floor_offsets), r.width_px, r.height_px);
  Tensor pixels({3, r.height_px, r.width_px});
  ToPlanes(middle, r.norm, pixels.data.data());
  return pixels;
}

}  // namespace sightline::vision
