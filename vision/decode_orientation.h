// EXIF orientation: reading it from a TIFF block, and turning pictures and points by it.
#pragma once

#include <string_view>
#include <utility>

#include "vision/image.h"

namespace sightline {

// Orientation (1..8) from the TIFF structure of an EXIF block; 1 when absent or nonsense. Never
// fails: a damaged EXIF block is no reason to refuse a picture.
int ReadExifOrientation(std::string_view tiff);

// Stored picture -> upright picture. Takes its argument by value so that orientation 1 costs
// nothing.
Image ApplyOrientation(Image stored, int orientation);

// Upright coordinates (pixels, continuous, origin at the top left corner) -> the same point in the
// stored picture whose sizes are given. Inverse of what ApplyOrientation does to pixels.
std::pair<double, double> UprightToStored(double x_px, double y_px, int orientation,
                                          int stored_width_px, int stored_height_px);

}  // namespace sightline
