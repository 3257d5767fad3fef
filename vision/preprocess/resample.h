// Resizing as imaging libraries do it: separable filters that widen when they shrink.
#pragma once

#include <array>

#include "compute/base/tensor.h"
#include "vision/image.h"

namespace sightline::vision {

enum class Filter { kBilinear, kBicubic, kLanczos };  // bicubic with a = -0.5, Lanczos with 3 lobes

// Columns first, then rows, each pass rounded to 8 bits. Sizes are positive.
Image Resize(const Image& image, int width_px, int height_px, Filter filter);
// The part at (x, y); what lies outside the image is black.
Image Crop(const Image& image, int x, int y, int width_px, int height_px);

// (value / 255 - mean) / std by channel.
struct Normalisation {
  std::array<float, 3> mean{0.5f, 0.5f, 0.5f}, std{0.5f, 0.5f, 0.5f};
};
// Writes [3, height, width].
void ToPlanes(const Image& image, const Normalisation& n, float* out);

// One frame or `frames` equal ones as the Qwen towers read it: [h * w, 3 * frames * patch * patch],
// h x w patches in merge units of `merge` x `merge`; frames [t * frames] of one size, t grids in
// time.
Tensor ToMergedPatches(const std::vector<Image>& frames, int patch, int merge, int frames_per_patch,
                       const Normalisation& n);

}  // namespace sightline::vision
