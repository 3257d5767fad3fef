// Weights [N, K] as whole numbers within +-4095 in 16-bit words, for products whose activations are
// kept as finely. Some 1/30 of the error of bytes (packed_matrix.h). The peak is half of bytes' and
// twice float32's where the CPU has word dot products (AVX-512 VNNI), and float32's elsewhere.
//
// Panels of 16 rows, each one linear stream; missing rows are zero. K runs in blocks of 64, the
// last padded with zeros. A block:
//   [16] scales as float32, [32 pairs][16 rows][2] codes           weight = scale code
#pragma once

#include "compute/base/status.h"
#include "compute/cpu/aligned_buffer.h"
#include "compute/weights/block_format.h"

namespace sightline {

// A block's products sum within 32 bits: 64 * 4095^2 < 2^30.
constexpr int64_t kWordBlock = 64;
constexpr int kWordTop = 4095;

struct WordMatrix {
  static constexpr int64_t kRows = 16;  // of a panel
  static constexpr int64_t kBlockBytes = kRows * (4 + 2 * kWordBlock);
  int64_t n = 0, k = 0;
  int64_t blocks = 0;       // of 64 along k
  int64_t panels = 0;       // ceil(n / 16)
  int64_t panel_bytes = 0;  // a multiple of 64
  AlignedBuffer data;       // panels * panel_bytes
  const uint8_t* panel(int64_t p) const { return data.data() + p * panel_bytes; }
  int64_t bytes() const { return panels * panel_bytes; }
};

int64_t PackedWordBytes(int64_t n, int64_t k);  // of a packed matrix

// Quantises rows [n, k], contiguous, stored as any BlockFormat. INVALID_ARGUMENT when k is no whole
// number of the format's blocks, or for a weight that is not finite. Uses ParallelFor.
StatusOr<WordMatrix> PackWords(BlockFormat stored, const void* rows, int64_t n, int64_t k);

// Weights of row r as float32, [k]: the plain meaning of the packed words.
void UnpackRow(const WordMatrix& w, int64_t row, float* out);

}  // namespace sightline
