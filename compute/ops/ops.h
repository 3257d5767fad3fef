// Dense operations on host float32. Shapes in our letters: M rows, K inputs, N outputs, C channels.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "compute/base/tensor.h"
#include "compute/cpu/activations.h"
#include "compute/ops/weight_matrix.h"

namespace sightline {

// A linear layer's weights: w [N, K] row-major, bias [N] or empty. Once `packed` is there it holds the weights and `w` is
// empty; copies share it.
struct Linear {
  Tensor w;
  std::vector<float> bias;
  std::shared_ptr<const WeightMatrix> packed{};

  int64_t outputs() const { return packed ? packed->n() : w.rows(); }
  bool empty() const { return outputs() == 0; }
  int64_t inputs() const { return packed ? packed->k() : w.cols(); }
};
// Packs a layer's weights for the CPU and drops the plain ones: a loader's last step. See WeightMatrix::Pack.
Status PackWeights(WeightChoice choice, Linear* layer);

// y [M, N] = x [M, K] w^T + bias. Packed: see weight_matrix.h. Plain: large M goes to the library GEMM; M = 1 to a matrix-vector product, so that a decode
// step computes the same numbers whatever else is in flight.
void MatMul(const float* x, int64_t m, const Linear& layer, float* y);
Tensor Apply(const Tensor& x, const Linear& layer);
// The same of several layers with the same inputs, in one parallel loop when packed.
std::vector<Tensor> ApplyAll(const Tensor& x, std::span<const Linear* const> layers);

void LayerNorm(const float* x, int64_t rows, int64_t c, const float* weight, const float* bias, float eps, float* y);
void RmsNorm(const float* x, int64_t rows, int64_t c, const float* weight, float eps, float* y);
void Activate(ActivationKind kind, float* x, int64_t n);
void ActivateMul(ActivationKind kind, const float* gate, const float* up, int64_t n, float* y);  // f(gate) * up
void GeluInPlace(float* x, int64_t n);                                  // exact, erf
void SiluMul(const float* gate, const float* up, int64_t n, float* y);  // silu(gate) * up
void AddInPlace(float* x, const float* y, int64_t n);

// Rotary position of x [rows, heads, D] in place, half-split layout: pairs (i, i + D/2), angle position * theta^(-2i/D).
void Rope(float* x, int64_t rows, int64_t heads, int64_t d, const int32_t* positions, float theta);
// The same of heads side by side in rows `stride` floats apart, by given turns [rows, D/2].
void RotateHeads(float* x, int64_t rows, int64_t stride, int64_t heads, int64_t d, const float* cosine, const float* sine);

// 3x3 convolution, stride 2, padding 1: x [H, W, Cin] -> [ceil(H/2), ceil(W/2), Cout]; layer.w is [Cout, 9*Cin] with the
// taps outermost (row, column, channel).
Tensor Conv3x3Stride2(const Tensor& x, const Linear& layer);
// PyTorch's [Cout, Cin, 3, 3] in that order of taps.
Linear PackConv3x3(const Tensor& oihw, const std::vector<float>& bias);
// Depth-wise k x k, stride 1, same size: x [H, W, C], w [k*k, C], bias [C]; adds to y when `accumulate`.
void DepthwiseConv(const float* x, int64_t h, int64_t w, int64_t c, int k, const float* weight, const float* bias,
                   bool accumulate, float* y);

}  // namespace sightline
