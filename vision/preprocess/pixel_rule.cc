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

StatusOr<BudgetSize> SizeInBudget(int64_t height, int64_t width, int64_t frames, int64_t factor,
                                  int64_t least, int64_t most) {
  if (std::max(height, width) > 200 * std::min(height, width))
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MEDIA_DOES_NOT_FIT_MODEL",
                           "the picture's sides differ more than 200 fold");
  auto h = static_cast<double>(height), w = static_cast<double>(width),
       f = static_cast<double>(factor);
  auto n = static_cast<double>(frames);
  // Halves go to the even multiple.
  auto nearest = [&](double v) { return std::max(f, std::nearbyint(v / f) * f); };
  double out_h = nearest(h), out_w = nearest(w);
  if (n * out_h * out_w > static_cast<double>(most)) {
    double beta = std::sqrt(n * h * w / static_cast<double>(most));
    out_h = std::max(f, std::floor(h / beta / f) * f);
    out_w = std::max(f, std::floor(w / beta / f) * f);
  } else if (n * out_h * out_w < static_cast<double>(least)) {
    double beta = std::sqrt(static_cast<double>(least) / (n * h * w));
    out_h = std::ceil(h * beta / f) * f;
    out_w = std::ceil(w * beta / f) * f;
  }
  return BudgetSize{static_cast<int64_t>(out_h), static_cast<int64_t>(out_w)};
}

StatusOr<Tensor> PreparePixels(const Image& image, const PixelRule& r) {
  if (r.multiple_px > 0) {
    SL_ASSIGN_OR_RETURN(BudgetSize size, SizeInBudget(image.height_px, image.width_px, 1,
                                                      r.multiple_px, r.min_pixels, r.max_pixels));
    Image sized =
        Resize(image, static_cast<int>(size.width), static_cast<int>(size.height), r.filter);
    Tensor planes({3, size.height, size.width});
    ToPlanes(sized, r.norm, planes.data.data());
    return planes;
  }
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
