// Products of float32 activations with packed floating-point weights: out = x w^T + bias.
//
// Letters: M rows of activations, N outputs, K inputs. Every output is one chain of fused
// multiply-adds over k in order, the bias added last: a row's result does not depend on M, on the
// threads, on which matrices share a call, or on whether the same numbers are stored as F32, F16 or
// BF16.
#pragma once

#include <span>

#include "compute/cpu/float_matrix.h"

namespace sightline {

struct FloatJob {
  const FloatMatrix* w = nullptr;
  float* out = nullptr;  // [M, N], row m at out + m * out_stride
  int64_t out_stride = 0;
  const float* bias = nullptr;  // [N] or null
};

// All jobs share x [m, k], row i at x + i * x_stride, and one parallel loop. Uses ParallelFor.
void FloatMatMul(const float* x, int64_t x_stride, int64_t m, int64_t k,
                 std::span<const FloatJob> jobs);
// The same in plain loops, with each sum in double precision.
void FloatMatMulReference(const float* x, int64_t x_stride, int64_t m, int64_t k,
                          std::span<const FloatJob> jobs);

}  // namespace sightline
