// Dense operations. Those on tensors run where the tensors lie; those on raw pointers are the CPU
// backend's own loops, for host memory. Shapes in our letters: M rows, K inputs, N outputs, C
// channels.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "compute/base/tensor.h"
#include "compute/ops/weight_matrix.h"

namespace sightline {

// A linear layer's weights: w [N, K] row-major, bias [N] or empty. Once `packed` is there it holds
// the weights and `w` is empty; copies share it.
struct Linear {
  Tensor w;
  Buffer bias;
  std::shared_ptr<const WeightMatrix> packed{};

  int64_t outputs() const { return packed ? packed->n() : w.rows(); }
  bool empty() const { return outputs() == 0; }
  int64_t inputs() const { return packed ? packed->k() : w.cols(); }
};
// Packs a layer's weights for the CPU and drops the plain ones: a loader's last step. See
// WeightMatrix::Pack.
Status PackWeights(WeightChoice choice, Linear* layer);
// A copy there. Packed weights are for the host: elsewhere they are unpacked.
Linear ToDevice(const Linear& layer, const Device& device);

// Weights of a norm, [C]; RmsNorm has no bias.
struct NormView {
  const float *weight = nullptr, *bias = nullptr;
  float eps = 1e-5f;
};

Tensor Apply(const Tensor& x, const Linear& layer);  // x w^T + bias, [..., N]
// The same into y, whose memory serves again where it has the shape: a loop over layers that made
// its tensors anew would spend as long on fresh pages as on norms, activations and sums together.
void Apply(const Tensor& x, const Linear& layer, Tensor* y);
// The same of several layers with the same inputs, in one parallel loop when packed.
std::vector<Tensor> ApplyAll(const Tensor& x, std::span<const Linear* const> layers);
void ApplyAll(const Tensor& x, std::span<const Linear* const> layers, std::vector<Tensor>* out);
// y [M, N] = x [M, K] w^T + bias. Packed: see weight_matrix.h. Plain: large M goes to the library
// GEMM; M = 1 to a matrix-vector product, so that a decode step computes the same numbers whatever
// else is in flight.
void MatMul(const float* x, int64_t m, const Linear& layer, float* y);

void LayerNorm(const float* x, int64_t rows, int64_t c, const float* weight, const float* bias,
               float eps, float* y);
void RmsNorm(const float* x, int64_t rows, int64_t c, const float* weight, float eps, float* y);
void GeluInPlace(float* x, int64_t n);                                  // exact, erf
void SiluMul(const float* gate, const float* up, int64_t n, float* y);  // silu(gate) * up
void AddInPlace(float* x, const float* y, int64_t n);

// Rotary position of x [rows, heads, D] in place, half-split layout: pairs (i, i + D/2), angle
// position * theta^(-2i/D).
void Rope(float* x, int64_t rows, int64_t heads, int64_t d, const int32_t* positions, float theta);

// Depth-wise k x k, stride 1, same size: x [H, W, C], w [k*k, C], bias [C]; adds to y when
// `accumulate`.
void DepthwiseConv(const float* x, int64_t h, int64_t w, int64_t c, int k, const float* weight,
                   const float* bias, bool accumulate, float* y);

}  // namespace sightline
