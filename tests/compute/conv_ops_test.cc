#include "compute/ops/conv_ops.h"

#include <gtest/gtest.h>

#include <cmath>

#include "compute/ops/shape_ops.h"
#include "tests/compute/random.h"

namespace sightline {
namespace {

Tensor Random(std::vector<int64_t> shape, Rng& rng, float scale = 1) {
  Tensor t(std::move(shape));
  t.data = Normal(static_cast<int64_t>(t.data.size()), rng, scale);
  return t;
}

Tensor Positive(int64_t n, Rng& rng, float least) {
  Tensor t = Random({n}, rng);
  for (float& v : t.data) v = least + std::fabs(v) * least;
  return t;
}

struct Wanted {
  std::vector<double> values;
  int64_t h = 0, w = 0;
};

// Convolution by its definition, then a batch norm by its own.
Wanted Slow(const Tensor& x, const Tensor& w, const Tensor& bias, const ConvSteps& s,
            bool depthwise) {
  int64_t h = x.shape[0], wd = x.shape[1], cin = x.shape[2], cout = w.shape[0];
  Wanted y;
  y.h = (h + 2 * s.padding - s.kernel) / s.stride + 1;
  y.w = (wd + 2 * s.padding - s.kernel) / s.stride + 1;
  for (int64_t i = 0; i < y.h * y.w * cout; ++i) {
    int64_t o = i % cout, oy = i / cout / y.w, ox = i / cout % y.w;
    double sum = bias.shape.empty() ? 0 : bias.data[static_cast<size_t>(o)];
    for (int64_t c = 0; c < w.shape[1]; ++c) {
      for (int64_t t = 0; t < s.kernel * s.kernel; ++t) {
        int64_t sy = oy * s.stride + t / s.kernel - s.padding;
        int64_t sx = ox * s.stride + t % s.kernel - s.padding;
        if (sy < 0 || sy >= h || sx < 0 || sx >= wd) continue;
        int64_t from = depthwise ? o : c;
        sum += static_cast<double>(x.data[static_cast<size_t>((sy * wd + sx) * cin + from)]) *
               w.data[static_cast<size_t>((o * w.shape[1] + c) * s.kernel * s.kernel + t)];
      }
    }
    y.values.push_back(sum);
  }
  return y;
}

TEST(ConvTest, EqualsTheDefinitionWithAndWithoutANorm) {
  Rng rng(1);
  for (int trial = 0; trial < 120; ++trial) {
    SCOPED_TRACE(trial);
    ConvSteps s{Between(1, 5, rng), Between(1, 3, rng), Between(0, 2, rng)};
    bool depthwise = trial % 2;
    int64_t cin = Between(1, 20, rng), cout = depthwise ? cin : Between(1, 20, rng);
    Tensor x = Random({Between(s.kernel, 14, rng), Between(s.kernel, 14, rng), cin}, rng);
    Tensor w = Random({cout, depthwise ? 1 : cin, s.kernel, s.kernel}, rng);
    Tensor bias = trial % 3 ? Random({cout}, rng) : Tensor();
    Wanted want = Slow(x, w, bias, s, depthwise);
    Tensor y = Conv2d(x, PackConv(w, bias, s, depthwise));
    ASSERT_EQ(y.shape, (std::vector<int64_t>{want.h, want.w, cout}));
    // Variances near the epsilon, where a wrong one shows.
    Tensor weight = Random({cout}, rng), shift = Random({cout}, rng), mean = Random({cout}, rng);
    Tensor var = Positive(cout, rng, 1e-4f);
    ChannelAffine norm = BatchNorm(weight, shift, mean, var, 1e-4f);
    Tensor z = Conv2d(x, PackConv(w, bias, s, depthwise, &norm));
    for (size_t i = 0; i < y.data.size(); ++i) {
      size_t o = i % static_cast<size_t>(cout);
      ASSERT_NEAR(y.data[i], want.values[i], 2e-4);
      double gain = weight.data[o] / std::sqrt(static_cast<double>(var.data[o]) + 1e-4f);
      ASSERT_NEAR(z.data[i], (want.values[i] - mean.data[o]) * gain + shift.data[o],
                  2e-4 * (1 + std::fabs(gain)));
    }
  }
}

TEST(ConvTest, LargeMapsAreTheSameInParts) {
  Rng rng(2);  // more patch floats than one part holds
  Tensor x = Random({130, 257, 16}, rng), w = Random({3, 16, 3, 3}, rng), none;
  Tensor y = Conv2d(x, PackConv(w, none, {3, 1, 1}, false));
  Wanted want = Slow(x, w, none, {3, 1, 1}, false);
  ASSERT_EQ(y.data.size(), want.values.size());
  for (size_t i = 0; i < y.data.size(); ++i) ASSERT_NEAR(y.data[i], want.values[i], 2e-4);
}

TEST(PoolTest, MeansOfWindowsThatOverlap) {
  Rng rng(3);
  Tensor x = Random({14, 11, 5}, rng);
  Tensor y = AveragePool(x, {5, 4, 3, 2});
  ASSERT_EQ(y.shape, (std::vector<int64_t>{4, 4, 5}));
  for (int64_t i = 0; i < y.rows(); ++i) {
    for (int64_t c = 0; c < 5; ++c) {
      double sum = 0;
      for (int64_t t = 0; t < 20; ++t) {
        sum += x.row((i / 4 * 3 + t / 4) * 11 + i % 4 * 2 + t % 4)[c];
      }
      ASSERT_NEAR(y.row(i)[c], sum / 20, 1e-6);
    }
  }
}

TEST(LinearTest, StackedAndPaddedParts) {
  Rng rng(4);
  Tensor x = Random({7, 6}, rng), wa = Random({3, 6}, rng), wb = Random({2, 6, 1, 1}, rng);
  Linear a = PackLinear(wa, Random({3}, rng)), b = PackLinear(wb, Random({2}, rng));
  Tensor both = Apply(x, Stacked(a, b));
  Tensor want = JoinColumns(Apply(x, a), Apply(x, b));
  for (size_t i = 0; i < want.data.size(); ++i) ASSERT_NEAR(both.data[i], want.data[i], 1e-5);
  Tensor padded = Apply(x, PadParts(Stacked(a, b), {3, 2}, 4));
  ASSERT_EQ(padded.cols(), 8);
  for (int64_t i = 0; i < 7; ++i) {
    for (int64_t j = 0; j < 8; ++j) {
      int64_t from = j < 3 ? j : j < 4 || j > 5 ? -1 : j - 1;
      ASSERT_NEAR(padded.row(i)[j], from < 0 ? 0 : both.row(i)[from], 1e-5);
    }
  }
}

}  // namespace
}  // namespace sightline
