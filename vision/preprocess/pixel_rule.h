// How an image encoder wants its pixels: size, crop, filter, normalisation.
#pragma once

#include "vision/preprocess/resample.h"

namespace sightline::vision {

// ImageNet classifiers: shorter side to size / crop_share, then the middle size x size.
struct PixelRule {
  int height_px = 224, width_px = 224;
  double crop_share = 0.875;   // of the resized picture that is kept
  bool squash = false;         // both sides resized, aspect not kept
  bool floor_offsets = false;  // the middle's odd pixel goes right and below; else halves to even
  // > 0: sides are multiples of this with the aspect kept, the area within the budget; the fields
  // above are not read.
  int multiple_px = 0;
  int64_t min_pixels = 0, max_pixels = 0;
  Filter filter = Filter::kBicubic;
  Normalisation norm{{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
};

// Sides to multiples of `factor` px with the aspect kept and frames * height * width within
// [least, most]; halves go to the even multiple. INVALID_ARGUMENT when they differ more than 200
// fold.
struct BudgetSize {
  int64_t height = 0, width = 0;
};
StatusOr<BudgetSize> SizeInBudget(int64_t height, int64_t width, int64_t frames, int64_t factor,
                                  int64_t least, int64_t most);

// [3, height, width]. INVALID_ARGUMENT when the picture is so narrow that resizing would blow it
// up.
StatusOr<Tensor> PreparePixels(const Image& image, const PixelRule& rule);

}  // namespace sightline::vision
