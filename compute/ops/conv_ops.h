// Convolutions, batch norms and pools over maps [H, W, C], whole tensors in and out.
#pragma once

#include "compute/ops/ops.h"

namespace sightline {

// y = scale * x + shift by channel, [C] each: what inference leaves of a batch norm.
struct ChannelAffine {
  Tensor scale, shift;
};
ChannelAffine BatchNorm(const Tensor& weight, const Tensor& bias, const Tensor& mean,
                        const Tensor& variance, float eps);
Tensor ApplyAffine(const Tensor& x, const ChannelAffine& a);

// Steps of a convolution; zero padding on all four sides.
struct ConvSteps {
  int64_t kernel = 3, stride = 1, padding = 1;
};
inline int64_t OutSide(int64_t in, const ConvSteps& s) {
  return (in + 2 * s.padding - s.kernel) / s.stride + 1;
}

// Packed weights; packing is done on the host. Out size of a side: (size + 2 * padding - kernel) /
// stride + 1, rounded down.
struct Conv {
  ConvSteps steps;
  bool depthwise = false;
  Linear taps;  // w [Cout, k * k * Cin], or depthwise [k * k, C]; bias [Cout] or empty
};

// weight [Cout, Cin / groups, k, k] as checkpoints have it, groups 1 or (depthwise) Cout; bias
// [Cout] or empty. A norm that follows is folded in: y = norm(conv(x)).
Conv PackConv(const Tensor& weight, const Tensor& bias, const ConvSteps& steps, bool depthwise,
              const ChannelAffine* norm = nullptr);
// The same for a linear layer, weight [N, K] or [N, K, 1, 1].
Linear PackLinear(const Tensor& weight, const Tensor& bias, const ChannelAffine* norm = nullptr);

// Outputs of `a`, then those of `b`, of the same inputs.
Linear Stacked(const Linear& a, const Linear& b);
// Outputs in parts of the given sizes, each filled up with zeros to `width`.
Linear PadParts(const Linear& layer, const std::vector<int64_t>& parts, int64_t width);

// x [H, W, Cin] -> [H', W', Cout]: patches and GEMM, in parts that bound the memory; depthwise
// directly.
Tensor Conv2d(const Tensor& x, const Conv& conv);

// Means over windows that lie wholly inside: x [H, W, C] -> [(H - h) / step_h + 1, ..., C].
struct PoolSteps {
  int64_t h = 1, w = 1, step_h = 1, step_w = 1;
};
Tensor AveragePool(const Tensor& x, const PoolSteps& pool);

Conv ToDevice(const Conv& conv, const Device& device);
ChannelAffine ToDevice(const ChannelAffine& affine, const Device& device);

}  // namespace sightline
