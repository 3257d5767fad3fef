#include "compute/cpu/float_matrix.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "compute/base/check.h"
#include "compute/base/thread_pool.h"

namespace sightline {
namespace {

constexpr int64_t kRows = 16;

Status Bad(const char* what) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "WEIGHTS_UNSUPPORTED", what);
}

// Sixteen-bit numbers before the one of row r and input i.
int64_t HalfAt(BlockFormat format, int64_t r, int64_t i) {
  return format == BlockFormat::kBF16 ? i / 2 * 2 * kRows + 2 * r + i % 2 : i * kRows + r;
}

// One row into its panel, from float32.
void PutRow(BlockFormat format, const float* x, int64_t k, int64_t r, uint8_t* panel) {
  if (format == BlockFormat::kF32) {
    auto* to = reinterpret_cast<float*>(panel) + r;
    for (int64_t i = 0; i < k; ++i) to[i * kRows] = x[i];
    return;
  }
  auto* to = reinterpret_cast<uint16_t*>(panel);
  for (int64_t i = 0; i < k; ++i) {
    to[HalfAt(format, r, i)] = format == BlockFormat::kBF16 ? ToBfloat(x[i]) : ToHalf(x[i]);
  }
}

// The same from numbers that are already of the panel's format; `rows` may be unaligned.
void PutHalves(BlockFormat format, const uint8_t* rows, int64_t k, int64_t r, uint8_t* panel) {
  auto* to = reinterpret_cast<uint16_t*>(panel);
  for (int64_t i = 0; i < k; ++i) std::memcpy(&to[HalfAt(format, r, i)], rows + 2 * i, 2);
}

// All but the memory.
FloatMatrix Sized(BlockFormat format, int64_t n, int64_t k) {
  FloatMatrix w;
  w.format = format;
  w.n = n;
  w.k = k;
  w.panels = (n + kRows - 1) / kRows;
  w.panel_bytes = format == BlockFormat::kF32   ? 4 * kRows * k
                  : format == BlockFormat::kF16 ? (2 * kRows * k + 63) / 64 * 64
                                                : (k + 1) / 2 * 4 * kRows;
  return w;
}

}  // namespace

int64_t PackedBytes(BlockFormat format, int64_t n, int64_t k) {
  return Sized(format, n, k).bytes();
}

StatusOr<FloatMatrix> PackFloats(BlockFormat stored, const void* rows, int64_t n, int64_t k,
                                 BlockFormat to) {
  SL_CHECK(to == BlockFormat::kF32 || to == BlockFormat::kF16 || to == BlockFormat::kBF16);
  if (n < 1 || k < 1 || k % TraitsOf(stored).values != 0) {
    return Bad("a row must be a whole number of blocks");
  }
  FloatMatrix w = Sized(to, n, k);
  w.data = AlignedBuffer(w.bytes());
  int64_t row_bytes = BytesOf(stored, k);
  bool halves = stored == to && to != BlockFormat::kF32;
  ParallelFor(w.panels, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> x(static_cast<size_t>(halves ? 0 : k));
    for (int64_t r = begin * kRows; r < std::min(n, end * kRows); ++r) {
      const uint8_t* from = static_cast<const uint8_t*>(rows) + r * row_bytes;
      uint8_t* panel = w.data.data() + r / kRows * w.panel_bytes;
      if (halves) {
        PutHalves(to, from, k, r % kRows, panel);
      } else {
        DequantizeRow(stored, from, k, x.data());
        PutRow(to, x.data(), k, r % kRows, panel);
      }
    }
  });
  return w;
}

void UnpackRow(const FloatMatrix& w, int64_t row, float* out) {
  SL_CHECK(row >= 0 && row < w.n);
  const uint8_t* panel = w.panel(row / kRows);
  int64_t r = row % kRows;
  for (int64_t i = 0; i < w.k; ++i) {
    if (w.format == BlockFormat::kF32) {
      out[i] = reinterpret_cast<const float*>(panel)[i * kRows + r];
    } else {
      uint16_t half = reinterpret_cast<const uint16_t*>(panel)[HalfAt(w.format, r, i)];
      out[i] = w.format == BlockFormat::kBF16 ? FromBfloat(half) : FromHalf(half);
    }
  }
}

}  // namespace sightline
