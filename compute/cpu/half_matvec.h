// Products of few float32 rows with F16 or BF16 weights, read where they lie (a mapped file will
// do): out = x w^T.
#pragma once

#include <cstdint>

#include "compute/weights/block_format.h"

namespace sightline {

// w [n, k] contiguous halves, row i of x at x + i * x_stride, row i of out at out + i * out_stride.
// Four rows share one pass over the weights. Sums are float32 and a row's result does not depend on
// the others. `format` is kF16 or kBF16. Uses ParallelFor.
void HalfMatVec(BlockFormat format, const uint16_t* w, int64_t n, int64_t k, const float* x,
                int64_t x_stride, int64_t rows, float* out, int64_t out_stride);

}  // namespace sightline
