// Products of int8 activations with packed integer weights: out = x w^T + bias.
//
// Letters: M rows of activations, N outputs, K inputs. Every output is the sum, in float32 and in
// the order of the blocks, of exact integer block products times their scales: a row's result does
// not depend on M, on the threads, or on which matrices share a call.
#pragma once

#include <span>

#include "compute/cpu/packed_matrix.h"
#include "compute/cpu/quant_rows.h"

namespace sightline {

struct MatMulJob {
  const PackedMatrix* w = nullptr;
  float* out = nullptr;  // [M, N], row m at out + m * out_stride
  int64_t out_stride = 0;
  const float* bias = nullptr;  // [N] or null; added last
};

// All jobs share x, and w->k == x.k. One parallel loop serves all of them (queries, keys and
// values; gate and up), so that small matrices do not pay for a start each. Uses ParallelFor.
void QuantMatMul(const QuantRows& x, std::span<const MatMulJob> jobs);
// The same in plain loops, with each sum in double precision.
void QuantMatMulReference(const QuantRows& x, std::span<const MatMulJob> jobs);

}  // namespace sightline
