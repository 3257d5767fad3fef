#include <gtest/gtest.h>

#include <cmath>

#include "compute/ops/conv_ops.h"
#include "compute/ops/shape_ops.h"
#include "tests/compute/random.h"

namespace sightline {
namespace {

TEST(OpsTest, MatMulEqualsDoubleForOneRowAndMany) {
  Rng rng(1);
  for (int trial = 0; trial < 40; ++trial) {
    int64_t m = trial % 2 ? 1 : Between(2, 30, rng), n = Between(1, 150, rng),
            k = Between(1, 200, rng);
    Linear l;
    l.w = Tensor({n, k});
    l.w.data = Normal(n * k, rng);
    if (trial % 3) l.bias = Normal(n, rng);
    Tensor x({m, k});
    x.data = Normal(m * k, rng);
    Tensor y = Apply(x, l);
    ASSERT_EQ(y.shape, (std::vector<int64_t>{m, n}));
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        double sum = l.bias.empty() ? 0 : l.bias[static_cast<size_t>(j)];
        for (int64_t a = 0; a < k; ++a) sum += static_cast<double>(x.row(i)[a]) * l.w.row(j)[a];
        ASSERT_NEAR(y.row(i)[j], sum, 1e-5 * static_cast<double>(k + 10));
      }
    }
  }
}

TEST(OpsTest, NormsEqualDouble) {
  Rng rng(2);
  int64_t rows = 70, c = 33;
  auto x = Normal(rows * c, rng, 3), w = Normal(c, rng), b = Normal(c, rng);
  std::vector<float> ln(x.size()), rms(x.size());
  LayerNorm(x.data(), rows, c, w.data(), b.data(), 1e-5f, ln.data());
  RmsNorm(x.data(), rows, c, w.data(), 1e-6f, rms.data());
  for (int64_t i = 0; i < rows; ++i) {
    double mean = 0, var = 0, ss = 0;
    for (int64_t j = 0; j < c; ++j)
      mean += x[static_cast<size_t>(i * c + j)] / static_cast<double>(c);
    for (int64_t j = 0; j < c; ++j) {
      double v = x[static_cast<size_t>(i * c + j)];
      var += (v - mean) * (v - mean) / static_cast<double>(c);
      ss += v * v / static_cast<double>(c);
    }
    for (int64_t j = 0; j < c; ++j) {
      auto at = static_cast<size_t>(i * c + j), col = static_cast<size_t>(j);
      ASSERT_NEAR(ln[at], (x[at] - mean) / std::sqrt(var + 1e-5) * w[col] + b[col], 1e-5);
      ASSERT_NEAR(rms[at], x[at] / std::sqrt(ss + 1e-6) * w[col], 1e-5);
    }
  }
}

TEST(OpsTest, ActivationsEqualDouble) {
  Rng rng(3);
  auto x = Normal(9001, rng, 4), up = Normal(9001, rng);
  std::vector<float> gelu = x, silu(x.size()), sum = x;
  GeluInPlace(gelu.data(), 9001);
  SiluMul(x.data(), up.data(), 9001, silu.data());
  AddInPlace(sum.data(), up.data(), 9001);
  for (size_t i = 0; i < x.size(); ++i) {
    double v = x[i];
    ASSERT_NEAR(gelu[i], 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))), 3e-6);
    ASSERT_NEAR(silu[i], v / (1 + std::exp(-v)) * up[i], 2e-5);
    ASSERT_EQ(sum[i], x[i] + up[i]);
  }
}

TEST(OpsTest, RopeEqualsDouble) {
  Rng rng(4);
  int64_t rows = 9, heads = 3, d = 10;
  auto x = Normal(rows * heads * d, rng);
  std::vector<int32_t> positions;
  for (int64_t i = 0; i < rows; ++i)
    positions.push_back(static_cast<int32_t>(Between(0, 5000, rng)));
  std::vector<float> y = x;
  Rope(y.data(), rows, heads, d, positions.data(), 10000);
  for (int64_t i = 0; i < rows * heads; ++i) {
    for (int64_t j = 0; j < d / 2; ++j) {
      double angle = positions[static_cast<size_t>(i / heads)] *
                     std::pow(10000.0, -2.0 * static_cast<double>(j) / static_cast<double>(d));
      auto lo = static_cast<size_t>(i * d + j), hi = static_cast<size_t>(i * d + j + d / 2);
      ASSERT_NEAR(y[lo], x[lo] * std::cos(angle) - x[hi] * std::sin(angle), 1e-5);
      ASSERT_NEAR(y[hi], x[hi] * std::cos(angle) + x[lo] * std::sin(angle), 1e-5);
    }
  }
}

TEST(OpsTest, StridedConvolutionEqualsDouble) {
  Rng rng(5);
  for (int trial = 0; trial < 8; ++trial) {
    int64_t h = Between(1, 9, rng), w = Between(1, 9, rng), ci = Between(1, 5, rng),
            co = Between(1, 6, rng);
    Tensor weight({co, ci, 3, 3}), x({h, w, ci});
    weight.data = Normal(co * ci * 9, rng);
    x.data = Normal(h * w * ci, rng);
    auto bias = Normal(co, rng);
    Tensor y = Conv2d(x, PackConv(weight, FromHost(bias, {co}), {3, 2, 1}, false));
    ASSERT_EQ(y.shape, (std::vector<int64_t>{(h + 1) / 2, (w + 1) / 2, co}));
    for (int64_t p = 0; p < y.rows(); ++p) {
      for (int64_t o = 0; o < co; ++o) {
        double sum = bias[static_cast<size_t>(o)];
        for (int64_t t = 0; t < 9 * ci; ++t) {
          int64_t sy = 2 * (p / y.shape[1]) + t % 9 / 3 - 1, sx = 2 * (p % y.shape[1]) + t % 3 - 1,
                  c = t / 9;
          if (sy < 0 || sy >= h || sx < 0 || sx >= w) continue;
          sum += static_cast<double>(x.data[static_cast<size_t>((sy * w + sx) * ci + c)]) *
                 weight.data[static_cast<size_t>((o * ci + c) * 9 + t % 9)];
        }
        ASSERT_NEAR(y.row(p)[o], sum, 1e-4);
      }
    }
  }
}

TEST(OpsTest, DepthwiseConvolutionEqualsDouble) {
  Rng rng(6);
  for (int k : {3, 5}) {
    int64_t h = 7, w = 6, c = 9;
    auto x = Normal(h * w * c, rng), weight = Normal(k * k * c, rng), bias = Normal(c, rng),
         y = Normal(h * w * c, rng);
    std::vector<float> added = y, plain = y;
    DepthwiseConv(x.data(), h, w, c, k, weight.data(), bias.data(), true, added.data());
    DepthwiseConv(x.data(), h, w, c, k, weight.data(), bias.data(), false, plain.data());
    for (int64_t i = 0; i < h * w * c; ++i) {
      int64_t yy = i / c / w, xx = i / c % w, ch = i % c;
      double sum = bias[static_cast<size_t>(ch)];
      for (int t = 0; t < k * k; ++t) {
        int64_t sy = yy + t / k - k / 2, sx = xx + t % k - k / 2;
        if (sy < 0 || sy >= h || sx < 0 || sx >= w) continue;
        sum += static_cast<double>(x[static_cast<size_t>((sy * w + sx) * c + ch)]) *
               weight[static_cast<size_t>(t * c + ch)];
      }
      auto at = static_cast<size_t>(i);
      ASSERT_NEAR(plain[at], sum, 1e-5);
      ASSERT_NEAR(added[at], sum + y[at], 1e-5);
    }
  }
}

}  // namespace
}  // namespace sightline
