// Operations on the rows of a decoder step. A row's result depends on that row alone, to the last
// bit on the CPU: steps may put rows of any sequences together in any number. Ops run where their
// tensors lie.
//
// Letters: T rows of a step, C channels, F ffn, H heads, D head width, V vocabulary.
#pragma once

#include <cstdint>
#include <vector>

#include "compute/base/tensor.h"
#include "compute/ops/ops.h"

namespace sightline {

// Turns of every row and pair of channels.
struct RowAngles {
  Tensor cosine, sine;  // [T, D/2]
};
RowAngles ToDevice(const RowAngles& angles, const Device& device);

// Rows `ids` of a table [V, C], times `scale`: [n, C].
Tensor EmbedRows(const Linear& table, const std::vector<int32_t>& ids, float scale);
// Norms of each run of `weight.size()` channels: x [T, C] with C a multiple of it (RMSNorm, arXiv
// 1910.07467; LayerNorm, arXiv 1607.06450).
Tensor RmsNormalise(const Tensor& x, const Buffer& weight, float eps);
Tensor LayerNormalise(const Tensor& x, const Buffer& weight, const Buffer& bias, float eps);
// silu(gate) * up, and gelu(gate) * up with the tanh form of GELU (arXiv 1606.08415): [T, F].
Tensor GatedSilu(Tensor gate, const Tensor& up);
Tensor GatedGeluTanh(Tensor gate, const Tensor& up);
// Rotary positions of x [T, H * D] in place, half-split layout: pair i of a head is channels
// (i, i + D/2).
void RotateRows(Tensor* x, int64_t heads, const RowAngles& angles);
// Adds y [n, C] to rows [first, first + n) of x.
void AddRows(Tensor* x, int64_t first, const Tensor& y);
// cap * tanh(x / cap), in place.
void CapInPlace(Tensor* x, float cap);

// Rows of several tensors [n, C], one after the other.
Tensor ConcatRows(std::vector<Tensor> parts);
Tensor RowsOf(const Tensor& x, int64_t first, int64_t count);
Tensor GatherRows(const Tensor& x, const std::vector<int64_t>& rows);

}  // namespace sightline
