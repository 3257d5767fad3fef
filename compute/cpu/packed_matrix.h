// Quantised weights [N, K] in the order the CPU kernels read them: panels of 16 rows, each one
// linear stream, so that a loaded vector feeds 16 outputs and memory is read once, in order.
//
// K runs in blocks of 32, two at a time (a pair; an odd last block is padded with zero weights). A
// block's codes are 8 quads: 4 consecutive k of each of 16 rows, 64 bytes when a code takes a byte.
// Codes are unsigned; `zero` is subtracted through the activations' sums. Bytes of a pair, scales
// as IEEE halves:
//   kQ8   [2][16] scales, [2][8 quads][16][4] codes + 128                      weight = scale (code
//   - 128) kQ4   [2][16] scales, [2][4][64] nibbles                                   weight =
//   scale (code - 8) kQ4K  [2][16] 6-bit scales, [2][16] 6-bit mins, [2][4][64] nibbles weight = d
//   scale code - dmin min kQ6K  [2][2][16] signed scales, [2][4][64] nibbles, [2][2][64] high bits
//   weight = d scale (code - 32)
// and kQ4K, kQ6K start every 8 blocks with 64 bytes: [16] d, [16] dmin (kQ6K: unused). Nibble
// vector v of a block holds quads 2 v (low) and 2 v + 1; high-bit vector h holds quads 4 h .. 4 h +
// 3, two bits each from the lowest.
#pragma once

#include "compute/base/status.h"
#include "compute/cpu/aligned_buffer.h"
#include "compute/weights/block_format.h"

namespace sightline {

enum class PackedFormat { kQ8, kQ4, kQ4K, kQ6K };

constexpr int64_t kPanelRows = 16, kBlock = 32, kSuperBlocks = 8;

struct PackedMatrix {
  PackedFormat format = PackedFormat::kQ8;
  int64_t n = 0, k = 0;
  int64_t blocks = 0;       // of 32 along k, padded to an even number
  int64_t panels = 0;       // ceil(n / 16); missing rows are zero
  int64_t panel_bytes = 0;  // a multiple of 64
  AlignedBuffer data;       // panels * panel_bytes
  const uint8_t* panel(int64_t p) const { return data.data() + p * panel_bytes; }
  int64_t bytes() const { return panels * panel_bytes; }
};

// bytes() of weights [n, k].
int64_t PackedBytes(PackedFormat format, int64_t n, int64_t k);
// Repacks rows as GGUF stores them (Q8_0, Q4_0, Q4_K, Q6_K; [n, k], contiguous), which is exact, or
// quantises rows of any format to `to`. INVALID_ARGUMENT for other pairs, a k that is no whole
// number of blocks, or a weight that is not finite. Uses ParallelFor.
StatusOr<PackedMatrix> PackBlocks(BlockFormat format, const void* rows, int64_t n, int64_t k);
// kQ8 or kQ4K (k need be a multiple of 32 only: the last super-block may be short).
StatusOr<PackedMatrix> QuantizeAndPack(BlockFormat format, const void* rows, int64_t n, int64_t k,
                                       PackedFormat to);

// Weights of row r as float32, [k]: the plain meaning of the packed bytes.
void UnpackRow(const PackedMatrix& w, int64_t row, float* out);

}  // namespace sightline
