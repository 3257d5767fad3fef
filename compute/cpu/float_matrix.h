// Weights [N, K] as floating-point numbers in the order the CPU kernels read them: panels of 16
// rows, each one linear stream, so that a loaded vector feeds 16 outputs. Missing rows of the last
// panel are zero. Within a panel:
//   kF32, kF16  [K][16]: number k of each row
//   kBF16       [ceil(K / 2)][16][2]: numbers 2 k and 2 k + 1 of each row share 32 bits
#pragma once

#include "compute/base/status.h"
#include "compute/cpu/aligned_buffer.h"
#include "compute/weights/block_format.h"

namespace sightline {

struct FloatMatrix {
  BlockFormat format = BlockFormat::kF32;  // kF32, kF16 or kBF16
  int64_t n = 0, k = 0;
  int64_t panels = 0;       // ceil(n / 16)
  int64_t panel_bytes = 0;  // a multiple of 64
  AlignedBuffer data;       // panels * panel_bytes
  const uint8_t* panel(int64_t p) const { return data.data() + p * panel_bytes; }
  int64_t bytes() const { return panels * panel_bytes; }
};

// bytes() of weights [n, k].
int64_t PackedBytes(BlockFormat format, int64_t n, int64_t k);
// Packs rows [n, k], contiguous, stored as any BlockFormat, as numbers of format `to`: exact where
// `to` holds them, else nearest. INVALID_ARGUMENT when k is no whole number of blocks. Uses
// ParallelFor.
StatusOr<FloatMatrix> PackFloats(BlockFormat stored, const void* rows, int64_t n, int64_t k,
                                 BlockFormat to);

// Weights of row r as float32, [k].
void UnpackRow(const FloatMatrix& w, int64_t row, float* out);

}  // namespace sightline
