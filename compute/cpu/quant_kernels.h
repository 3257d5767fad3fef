// The two kernels behind quant_matmul.h, dispatched to the best SIMD target. Single-threaded.
#pragma once

#include "compute/cpu/packed_matrix.h"
#include "compute/cpu/quant_rows.h"

namespace sightline {

constexpr int64_t kGemvRows = 16;  // most rows of activations that one pass over the weights serves

// out[m, r] for rows m [row, row + count), count <= kGemvRows, and the weight rows of panels
// [begin, end).
void GemvPanels(const PackedMatrix& w, const QuantRows& x, int64_t row, int64_t count,
                int64_t begin, int64_t end, float* out, int64_t out_stride);

// Weight rows that GemmGroups handles as one group.
int64_t GemmGroupRows();
constexpr int64_t kGemmGroups = 4;  // that it multiplies at a time
// The same for all rows of x and groups [begin, end); meant for many rows, since it unpacks the
// weights once.
void GemmGroups(const PackedMatrix& w, const QuantRows& x, int64_t begin, int64_t end, float* out,
                int64_t out_stride);

}  // namespace sightline
