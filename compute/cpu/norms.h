// Normalisation of rows of float32, dispatched to the best SIMD target. Single-threaded; a row's
// result depends on the row alone.
#pragma once

#include <cstdint>

namespace sightline {

// y = (x - mean) / sqrt(variance + eps) weight + bias for each row of x [rows, C]; weight, bias
// [C]; y may be x. Sums are of float32, by lane: exact to a few roundings for any C that fits a
// cache.
void LayerNormRows(const float* x, int64_t rows, int64_t c, const float* weight, const float* bias,
                   float eps, float* y);
// y = x / sqrt(mean of squares + eps) weight.
void RmsNormRows(const float* x, int64_t rows, int64_t c, const float* weight, float eps, float* y);

}  // namespace sightline
