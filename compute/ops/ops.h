// Dense operations. Those on tensors run where the tensors lie; those on raw pointers are the CPU backend's own loops, for
// host memory. Shapes in our letters: M rows, K inputs, N outputs, C channels.
#pragma once

#include <cstdint>

#include "compute/base/tensor.h"

namespace sightline {

// A linear layer's weights: w [N, K] row-major, bias [N] or empty.
struct Linear {
  Tensor w;
  Buffer bias;
};
Linear ToDevice(const Linear& layer, const Device& device);

// Weights of a norm, [C]; RmsNorm has no bias.
struct NormView {
  const float *weight = nullptr, *bias = nullptr;
  float eps = 1e-5f;
};

Tensor Apply(const Tensor& x, const Linear& layer);  // x w^T + bias, [..., N]
// y [M, N] = x [M, K] w^T + bias. Large M goes to the library GEMM; M = 1 to a matrix-vector product, so that a decode
// step computes the same numbers whatever else is in flight.
void MatMul(const float* x, int64_t m, const Linear& layer, float* y);

void LayerNorm(const float* x, int64_t rows, int64_t c, const float* weight, const float* bias, float eps, float* y);
void RmsNorm(const float* x, int64_t rows, int64_t c, const float* weight, float eps, float* y);
void GeluInPlace(float* x, int64_t n);                               // exact, erf
void SiluMul(const float* gate, const float* up, int64_t n, float* y);  // silu(gate) * up
void AddInPlace(float* x, const float* y, int64_t n);

// Rotary position of x [rows, heads, D] in place, half-split layout: pairs (i, i + D/2), angle position * theta^(-2i/D).
void Rope(float* x, int64_t rows, int64_t heads, int64_t d, const int32_t* positions, float theta);

// Depth-wise k x k, stride 1, same size: x [H, W, C], w [k*k, C], bias [C]; adds to y when `accumulate`.
void DepthwiseConv(const float* x, int64_t h, int64_t w, int64_t c, int k, const float* weight, const float* bias,
                   bool accumulate, float* y);

}  // namespace sightline
