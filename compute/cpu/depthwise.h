// Depth-wise convolution of a map, dispatched to the best SIMD target.
#pragma once

#include <cstdint>

namespace sightline {

// x [H, W, C], y [out_h, out_w, C], weight [k * k, C], bias [C] or null; zero padding on all sides.
struct DepthwiseJob {
  const float* x = nullptr;
  int64_t h = 0, w = 0, c = 0;
  int64_t k = 3, stride = 1, padding = 1;
  const float *weight = nullptr, *bias = nullptr;
  bool accumulate = false;  // y += instead of y =
  int64_t out_h = 0, out_w = 0;
  float* y = nullptr;
};

// Rows [first, last) of y. Single-threaded; a number's result does not depend on the rows asked
// for.
void DepthwiseRows(const DepthwiseJob& job, int64_t first, int64_t last);

}  // namespace sightline
