// Fixed canvases: a picture is stretched to the one whose aspect is nearest on a log scale, so
// boxes map back by scale alone.
#pragma once

#include <vector>

#include "vision/image.h"

namespace sightline::vision {

struct Canvas {
  int width_px = 0, height_px = 0;
};

// `canvases` must not be empty.
Canvas NearestCanvas(const std::vector<Canvas>& canvases, int width_px, int height_px);

// Bilinear with a triangle filter as wide as the shrink; each pass rounds to 8 bits, as imaging
// libraries do.
Image ResizeTriangle(const Image& image, int width_px, int height_px);

}  // namespace sightline::vision
