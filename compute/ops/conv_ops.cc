#include "compute/ops/conv_ops.h"

#include <algorithm>
#include <cmath>

#include "compute/backend/backend.h"
#include "compute/base/shape_check.h"
#include "compute/ops/shape_ops.h"

namespace sightline {
namespace {

constexpr int64_t kPatchFloats = int64_t{1} << 22;  // of one part of the patches

MapView ViewOf(const Tensor& x) {
  CheckShape(x, "x", {{"H"}, {"W"}, {"C"}});
  return {x.address(), x.shape[0], x.shape[1], x.shape[2]};
}

Tensor DenseConv(const Tensor& x, const ConvSteps& s, const Linear& taps) {
  if (s.kernel == 1 && s.stride == 1 && s.padding == 0) return Apply(x, taps);
  MapView map = ViewOf(x);
  int64_t oh = OutSide(map.h, s), ow = OutSide(map.w, s), n = taps.outputs();
  int64_t width = s.kernel * s.kernel * map.c;
  CheckSize(taps.inputs(), "taps", {"k * k * C", width});
  int64_t part = std::clamp<int64_t>(kPatchFloats / (ow * width), 1, oh);
  Tensor y({oh, ow, n}, x.device()), patches({part * ow, width}, x.device());
  Backend& backend = x.device().backend();
  for (int64_t first = 0; first < oh; first += part) {
    int64_t count = std::min(part, oh - first);
    MustRun(backend.Patches(map, s, first, count, patches.address()));
    MustRun(backend.MatMul(patches.address(), count * ow, taps, y.address() + first * ow * n));
  }
  return y;
}

Tensor DepthwiseRows(const Tensor& x, const Conv& conv) {
  const ConvSteps& s = conv.steps;
  MapView map = ViewOf(x);
  CheckShape(conv.taps.w, "taps", {{"k * k", s.kernel * s.kernel}, {"C", map.c}});
  Tensor y({OutSide(map.h, s), OutSide(map.w, s), map.c}, x.device());
  const float* bias = conv.taps.bias.empty() ? nullptr : conv.taps.bias.address();
  MustRun(x.device().backend().Depthwise(map, s, conv.taps.w.address(), bias, y.address()));
  return y;
}

// Rows scaled, the shift made a bias.
void FoldNorm(const ChannelAffine& norm, Linear* layer) {
  int64_t n = layer->w.shape[0], k = layer->w.cols();
  SL_CHECK(norm.scale.cols() == n);
  if (layer->bias.empty()) layer->bias.assign(static_cast<size_t>(n), 0.0f);
  for (int64_t o = 0; o < n; ++o) {
    float scale = norm.scale.data[static_cast<size_t>(o)];
    float* row = layer->w.row(o);
    for (int64_t i = 0; i < k; ++i) row[i] *= scale;
    float& bias = layer->bias[static_cast<size_t>(o)];
    bias = bias * scale + norm.shift.data[static_cast<size_t>(o)];
  }
}

}  // namespace

ChannelAffine BatchNorm(const Tensor& weight, const Tensor& bias, const Tensor& mean,
                        const Tensor& variance, float eps) {
  ChannelAffine a{Tensor(weight.shape), Tensor(weight.shape)};
  for (size_t i = 0; i < weight.data.size(); ++i) {
    double scale = weight.data[i] / std::sqrt(static_cast<double>(variance.data[i]) + eps);
    a.scale.data[i] = static_cast<float>(scale);
    a.shift.data[i] = static_cast<float>(bias.data[i] - mean.data[i] * scale);
  }
  return a;
}

Tensor ApplyAffine(const Tensor& x, const ChannelAffine& a) {
  CheckSize(a.scale.cols(), "scale", {"C", x.cols()});
  Tensor y(x.shape, x.device());
  MustRun(x.device().backend().Affine(x.address(), a.scale.address(), a.shift.address(), x.rows(),
                                      x.cols(), y.address()));
  return y;
}

Linear PackLinear(const Tensor& weight, const Tensor& bias, const ChannelAffine* norm) {
  Linear layer;
  if (weight.shape.empty()) return layer;
  layer.w = weight;
  layer.w.shape = {weight.shape[0], Tensor::Count(weight.shape) / weight.shape[0]};
  layer.bias = bias.data;
  if (norm) FoldNorm(*norm, &layer);
  return layer;
}

Linear Stacked(const Linear& a, const Linear& b) {
  SL_CHECK(a.bias.empty() == b.bias.empty());
  Linear both{JoinRows(a.w, b.w), {}};
  if (a.bias.empty()) return both;
  auto as_row = [](const Buffer& bias) {
    Tensor row;
    row.shape = {static_cast<int64_t>(bias.size()), 1};
    row.data = bias;
    return row;
  };
  both.bias = JoinRows(as_row(a.bias), as_row(b.bias)).data;
  return both;
}

// Rows [from, from + n) of `x` into those from `to` on.
static void PlaceRows(const float* x, int64_t cols, int64_t n, const Device& device, float* to) {
  MustRun(device.backend().CopyBlock({x, cols, n, cols}, cols, to));
}

Linear PadParts(const Linear& layer, const std::vector<int64_t>& parts, int64_t width) {
  const Device& device = layer.w.device();
  int64_t k = layer.w.cols(), from = 0;
  Linear padded{Tensor({static_cast<int64_t>(parts.size()) * width, k}, device), {}};
  if (!layer.bias.empty()) padded.bias = Buffer(static_cast<size_t>(padded.w.rows()), device);
  for (size_t p = 0; p < parts.size(); ++p) {
    SL_CHECK(parts[p] <= width && from + parts[p] <= layer.w.rows());
    auto to = static_cast<int64_t>(p) * width;
    PlaceRows(layer.w.address() + from * k, k, parts[p], device, padded.w.address() + to * k);
    if (!layer.bias.empty()) {
      PlaceRows(layer.bias.address() + from, 1, parts[p], device, padded.bias.address() + to);
    }
    from += parts[p];
  }
  SL_CHECK(from == layer.w.rows());
  return padded;
}

Conv PackConv(const Tensor& weight, const Tensor& bias, const ConvSteps& steps, bool depthwise,
              const ChannelAffine* norm) {
  Conv conv{steps, depthwise, PackLinear(weight, bias, norm)};
  if (weight.shape.empty()) return conv;
  int64_t out = weight.shape[0], in = weight.shape[1], taps = steps.kernel * steps.kernel;
  SL_CHECK(weight.shape[2] == steps.kernel && weight.shape[3] == steps.kernel);
  SL_CHECK(!depthwise || in == 1);
  Tensor packed(depthwise ? std::vector<int64_t>{taps, out} : std::vector<int64_t>{out, taps * in});
  for (int64_t o = 0; o < out; ++o) {
    for (int64_t i = 0; i < in; ++i) {
      for (int64_t t = 0; t < taps; ++t) {
        int64_t at = depthwise ? t * out + o : (o * taps + t) * in + i;
        packed.data[static_cast<size_t>(at)] = conv.taps.w.row(o)[i * taps + t];
      }
    }
  }
  conv.taps.w = std::move(packed);
  return conv;
}

Tensor Conv2d(const Tensor& x, const Conv& conv) {
  return conv.depthwise ? DepthwiseRows(x, conv) : DenseConv(x, conv.steps, conv.taps);
}

Conv ToDevice(const Conv& conv, const Device& device) {
  return {conv.steps, conv.depthwise, ToDevice(conv.taps, device)};
}

ChannelAffine ToDevice(const ChannelAffine& a, const Device& device) {
  return {a.scale.To(device), a.shift.To(device)};
}

Tensor AveragePool(const Tensor& x, const PoolSteps& p) {
  MapView map = ViewOf(x);
  SL_CHECK(p.h > 0 && p.w > 0 && p.h <= map.h && p.w <= map.w);
  Tensor y({(map.h - p.h) / p.step_h + 1, (map.w - p.w) / p.step_w + 1, map.c}, x.device());
  MustRun(x.device().backend().AveragePool(map, p, y.address()));
  return y;
}

}  // namespace sightline
