#include "compute/cpu/word_matrix.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "compute/base/check.h"
#include "compute/base/thread_pool.h"

namespace sightline {
namespace {

Status Bad(const char* what) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "WEIGHTS_UNSUPPORTED", what);
}

// Row r of a panel: its scale in block b, and where its pair i of that block lies.
float& ScaleAt(uint8_t* panel, int64_t r, int64_t b) {
  return reinterpret_cast<float*>(panel + b * WordMatrix::kBlockBytes)[r];
}
int16_t* PairAt(uint8_t* panel, int64_t r, int64_t b, int64_t i) {
  constexpr int64_t kRows = WordMatrix::kRows;
  return reinterpret_cast<int16_t*>(panel + b * WordMatrix::kBlockBytes + 4 * kRows) +
         (i * kRows + r) * 2;
}

void PutRow(const float* x, int64_t k, int64_t r, uint8_t* panel) {
  for (int64_t b = 0; b * kWordBlock < k; ++b, x += kWordBlock) {
    int64_t n = std::min(kWordBlock, k - b * kWordBlock);
    float most = 0;
    for (int64_t i = 0; i < n; ++i) most = std::max(most, std::fabs(x[i]));
    ScaleAt(panel, r, b) = most / kWordTop;
    float inverse = most > 0 ? kWordTop / most : 0;
    for (int64_t i = 0; i < n; ++i) {
      auto code = static_cast<int>(std::nearbyint(x[i] * inverse));
      PairAt(panel, r, b, i / 2)[i % 2] =
          static_cast<int16_t>(std::clamp(code, -kWordTop, kWordTop));
    }
  }
}

WordMatrix Sized(int64_t n, int64_t k) {
  WordMatrix w;
  w.n = n;
  w.k = k;
  w.blocks = (k + kWordBlock - 1) / kWordBlock;
  w.panels = (n + WordMatrix::kRows - 1) / WordMatrix::kRows;
  w.panel_bytes = w.blocks * WordMatrix::kBlockBytes;
  return w;
}

}  // namespace

int64_t PackedWordBytes(int64_t n, int64_t k) { return Sized(n, k).bytes(); }

StatusOr<WordMatrix> PackWords(BlockFormat stored, const void* rows, int64_t n, int64_t k) {
  if (n < 1 || k < 1 || k % TraitsOf(stored).values != 0) {
    return Bad("a row must be a whole number of blocks");
  }
  WordMatrix w = Sized(n, k);
  w.data = AlignedBuffer(w.bytes());
  int64_t row_bytes = BytesOf(stored, k);
  std::atomic<bool> finite{true};
  ParallelFor(w.panels, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> x(static_cast<size_t>(k));
    for (int64_t r = begin * WordMatrix::kRows; r < std::min(n, end * WordMatrix::kRows); ++r) {
      DequantizeRow(stored, static_cast<const uint8_t*>(rows) + r * row_bytes, k, x.data());
      if (!std::all_of(x.begin(), x.end(), [](float v) { return std::isfinite(v); }))
        finite = false;
      uint8_t* panel = w.data.data() + r / WordMatrix::kRows * w.panel_bytes;
      if (finite) PutRow(x.data(), k, r % WordMatrix::kRows, panel);
    }
  });
  if (!finite) return Bad("a weight is not finite");
  return w;
}

void UnpackRow(const WordMatrix& w, int64_t row, float* out) {
  SL_CHECK(row >= 0 && row < w.n);
  auto* panel = const_cast<uint8_t*>(w.panel(row / WordMatrix::kRows));
  int64_t r = row % WordMatrix::kRows;
  for (int64_t i = 0; i < w.k; ++i) {
    int64_t b = i / kWordBlock, at = i % kWordBlock, pair = at / 2;
    out[i] = ScaleAt(panel, r, b) * static_cast<float>(PairAt(panel, r, b, pair)[at % 2]);
  }
}

}  // namespace sightline
