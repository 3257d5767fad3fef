// The kernels behind float_matmul.h, dispatched to the best SIMD target. Single-threaded.
#pragma once

#include "compute/cpu/float_matrix.h"

namespace sightline {

constexpr int64_t kStripRows = 6;   // rows of activations that are packed together
constexpr int64_t kUnitPanels = 2;  // of weights that the widest register tile takes
constexpr int64_t kDepth = 320;     // numbers of k that a chunk of a panel holds: 16 KiB of float32
// Floats from row to row of a strip: no multiple of a page, so that its rows fall into different
// sets of the first-level cache.
constexpr int64_t kStripStride = kDepth + 16;

struct FloatOut {
  float* data = nullptr;  // row m at data + m * stride
  int64_t stride = 0;
  const float* bias = nullptr;  // [n] or null
};

constexpr int64_t kFloatGemvRows = 16;  // most rows for which weights are best used as they stand

// Up to kFloatGemvRows rows, row m at x + m * x_stride, times panels [begin, end).
void FloatGemv(const FloatMatrix& w, const float* x, int64_t x_stride, int64_t rows, int64_t begin,
               int64_t end, const FloatOut& out);

// Floats that PackStrip fills for one strip.
inline int64_t StripFloats() { return kStripRows * kStripStride; }
// All strips: [ceil(k / kDepth)][ceil(rows / kStripRows)][kStripRows][kStripStride].
void PackStrip(const float* x, int64_t x_stride, int64_t rows, int64_t k, int64_t strip,
               float* strips);
// All rows of packed `strips` times panels [begin, end).
void FloatGemm(const FloatMatrix& w, const float* strips, int64_t rows, int64_t begin, int64_t end,
               const FloatOut& out);

}  // namespace sightline
