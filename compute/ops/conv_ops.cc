#include "compute/ops/conv_ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compute/base/check.h"
#include "compute/base/thread_pool.h"
#include "compute/cpu/depthwise.h"

namespace sightline {
namespace {

constexpr int64_t kPatchFloats = int64_t{1} << 22;  // of one part of the patches

int64_t OutSide(int64_t in, const ConvSteps& s) {
  return (in + 2 * s.padding - s.kernel) / s.stride + 1;
}

// Patches of the output rows [first, first + count): [count * ow, k * k * C], taps outermost.
void FillPatches(const Tensor& x, const ConvSteps& s, int64_t ow, int64_t first, int64_t count,
                 Tensor* patches) {
  int64_t h = x.shape[0], w = x.shape[1], c = x.shape[2];
  ParallelFor(count, 1, [&](int64_t b, int64_t e) {
    for (int64_t y = b; y < e; ++y) {
      for (int64_t ox = 0; ox < ow; ++ox) {
        float* out = patches->row(y * ow + ox);
        for (int64_t t = 0; t < s.kernel * s.kernel; ++t, out += c) {
          int64_t sy = (first + y) * s.stride + t / s.kernel - s.padding;
          int64_t sx = ox * s.stride + t % s.kernel - s.padding;
          if (sy < 0 || sy >= h || sx < 0 || sx >= w) {
            std::memset(out, 0, static_cast<size_t>(c) * sizeof(float));
          } else {
            std::memcpy(out, &x.data[static_cast<size_t>((sy * w + sx) * c)],
                        static_cast<size_t>(c) * sizeof(float));
          }
        }
      }
    }
  });
}

Tensor DenseConv(const Tensor& x, const Conv& conv) {
  const ConvSteps& s = conv.steps;
  if (s.kernel == 1 && s.stride == 1 && s.padding == 0) return Apply(x, conv.taps);
  int64_t oh = OutSide(x.shape[0], s), ow = OutSide(x.shape[1], s), n = conv.taps.outputs();
  int64_t width = s.kernel * s.kernel * x.shape[2];
  SL_CHECK(conv.taps.inputs() == width);
  int64_t part = std::clamp<int64_t>(kPatchFloats / (ow * width), 1, oh);
  Tensor y({oh, ow, n}), patches({part * ow, width});
  for (int64_t first = 0; first < oh; first += part) {
    int64_t count = std::min(part, oh - first);
    FillPatches(x, s, ow, first, count, &patches);
    MatMul(patches.data.data(), count * ow, conv.taps, y.data.data() + first * ow * n);
  }
  return y;
}

Tensor DepthwiseMap(const Tensor& x, const Conv& conv) {
  const ConvSteps& s = conv.steps;
  int64_t h = x.shape[0], w = x.shape[1], c = x.shape[2];
  int64_t oh = OutSide(h, s), ow = OutSide(w, s);
  SL_CHECK(conv.taps.w.shape[0] == s.kernel * s.kernel && conv.taps.w.shape[1] == c);
  Tensor y({oh, ow, c});
  const float* bias = conv.taps.bias.empty() ? nullptr : conv.taps.bias.data();
  DepthwiseJob job{x.data.data(),           h,    w,     c,  s.kernel, s.stride,     s.padding,
                   conv.taps.w.data.data(), bias, false, oh, ow,       y.data.data()};
  ParallelFor(oh, 1, [&](int64_t b, int64_t e) { DepthwiseRows(job, b, e); });
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
  SL_CHECK(a.scale.cols() == x.cols());
  Tensor y(x.shape);
  auto c = static_cast<size_t>(x.cols());
  for (size_t i = 0; i < x.data.size(); ++i)
    y.data[i] = x.data[i] * a.scale.data[i % c] + a.shift.data[i % c];
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
  SL_CHECK(a.w.cols() == b.w.cols() && a.bias.empty() == b.bias.empty());
  Linear both = a;
  both.w.shape[0] += b.w.shape[0];
  both.w.data.insert(both.w.data.end(), b.w.data.begin(), b.w.data.end());
  both.bias.insert(both.bias.end(), b.bias.begin(), b.bias.end());
  return both;
}

Linear PadParts(const Linear& layer, const std::vector<int64_t>& parts, int64_t width) {
  int64_t k = layer.w.cols(), from = 0;
  Linear padded{Tensor({static_cast<int64_t>(parts.size()) * width, k}), {}};
  if (!layer.bias.empty()) padded.bias.assign(static_cast<size_t>(padded.w.rows()), 0.0f);
  for (size_t p = 0; p < parts.size(); ++p) {
    SL_CHECK(parts[p] <= width && from + parts[p] <= layer.w.rows());
    auto to = static_cast<int64_t>(p) * width;
    std::memcpy(padded.w.row(to), layer.w.row(from),
                static_cast<size_t>(parts[p] * k) * sizeof(float));
    if (!layer.bias.empty())
      std::copy_n(layer.bias.begin() + from, parts[p], padded.bias.begin() + to);
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
  SL_CHECK(x.shape.size() == 3);
  return conv.depthwise ? DepthwiseMap(x, conv) : DenseConv(x, conv);
}

Tensor AveragePool(const Tensor& x, const PoolSteps& p) {
  SL_CHECK(x.shape.size() == 3 && p.h > 0 && p.w > 0 && p.h <= x.shape[0] && p.w <= x.shape[1]);
  int64_t w = x.shape[1], c = x.shape[2];
  int64_t oh = (x.shape[0] - p.h) / p.step_h + 1, ow = (w - p.w) / p.step_w + 1;
  Tensor y({oh, ow, c});
  ParallelFor(oh * ow, 1, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      float* out = y.data.data() + i * c;
      for (int64_t t = 0; t < p.h * p.w; ++t) {
        int64_t sy = i / ow * p.step_h + t / p.w, sx = i % ow * p.step_w + t % p.w;
        const float* in = x.data.data() + (sy * w + sx) * c;
        for (int64_t k = 0; k < c; ++k) out[k] += in[k];
      }
      for (int64_t k = 0; k < c; ++k) out[k] /= static_cast<float>(p.h * p.w);
    }
  });
  return y;
}

}  // namespace sightline
