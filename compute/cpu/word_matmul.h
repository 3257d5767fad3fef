// Products of activations and weights in 16-bit words: out = x w^T + bias.
//
// Letters: M rows of activations, N outputs, K inputs. Activations are quantised as the weights
// are: blocks of 64 along K, scale = absmax / 4095, nearest code. Every output is the sum, in
// float32 and in the order of the blocks, of exact integer block products times their scales: a
// row's result does not depend on M, on the threads, or on which matrices share a call.
#pragma once

#include <span>

#include "compute/cpu/word_matrix.h"

namespace sightline {

struct WordJob {
  const WordMatrix* w = nullptr;
  float* out = nullptr;  // [M, N], row m at out + m * out_stride
  int64_t out_stride = 0;
  const float* bias = nullptr;  // [N] or null; added last
};

// All jobs share x [m, k], row i at x + i * x_stride, and one parallel loop. Meant for many rows:
// one is multiplied as fast as six. Uses ParallelFor.
void WordMatMul(const float* x, int64_t x_stride, int64_t m, int64_t k,
                std::span<const WordJob> jobs);
// The same in plain loops, with each sum in double precision.
void WordMatMulReference(const float* x, int64_t x_stride, int64_t m, int64_t k,
                         std::span<const WordJob> jobs);

}  // namespace sightline
