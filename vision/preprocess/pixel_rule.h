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
  Filter filter = Filter::kBicubic;
  Normalisation norm{{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
};

// [3, height, width]. INVALID_ARGUMENT when the picture is so narrow that resizing would blow it
// up.
StatusOr<Tensor> PreparePixels(const Image& image, const PixelRule& rule);

}  // namespace sightline::vision
