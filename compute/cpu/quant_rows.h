// Activations as int8: blocks of 32 along K, scale = absmax / 127, nearest code. A row's error is
// at most half a scale a value. With them the sums that undo the weights' unsigned codes
// (packed_matrix.h).
#pragma once

#include <cstdint>

#include "compute/cpu/aligned_buffer.h"

namespace sightline {

// [rows, blocks of 32]; blocks padded to an even number with zeros. Reused from call to call: it
// grows, never shrinks.
struct QuantRows {
  int64_t rows = 0, k = 0, blocks = 0;
  int64_t stride = 0;       // codes from row to row
  int8_t* codes = nullptr;  // [rows, stride], within [-127, 127]
  int16_t* wide =
      nullptr;  // [rows, stride]: quads as k0 k2 k1 k3; null where the CPU has byte dot products
  float* scale = nullptr;  // [rows, blocks]
  float* sum = nullptr;    // [rows, blocks] scale * sum of the block's codes
  // [ceil(rows / 16), blocks, 16], the same of 16 rows side by side, for matrix tiles (amx.h); null
  // without them and for few rows.
  float *tile_scale = nullptr, *tile_sum = nullptr;
  int32_t* bias = nullptr;    // [rows, blocks] -128 * sum of the block's codes
  int32_t* bias16 = nullptr;  // [rows, blocks, 2] the same of each half block

  AlignedBuffer space;
};

// Quantises x [rows, k], row i at x + i * x_stride; k a multiple of 32. Uses ParallelFor from a few
// thousand values on.
void QuantizeRows(const float* x, int64_t x_stride, int64_t rows, int64_t k, QuantRows* out);

}  // namespace sightline
