// The vector kernels behind ops.h, on every SIMD target, against double precision.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "compute/cpu/activations.h"
#include "compute/cpu/depthwise.h"
#include "compute/cpu/norms.h"
#include "compute/cpu/rotary.h"
#include "tests/compute/random.h"
#include "tests/compute/simd_targets.h"

namespace sightline {
namespace {

class RowKernelsTest : public SimdTargetTest {};
INSTANTIATE_TEST_SUITE_P(All, RowKernelsTest, testing::ValuesIn(SimdTargets()), SimdTargetName);

constexpr ActivationKind kKinds[] = {ActivationKind::kGelu, ActivationKind::kGeluTanh,
                                     ActivationKind::kQuickGelu, ActivationKind::kSilu};

double Expected(ActivationKind kind, double x) {
  switch (kind) {
    case ActivationKind::kGelu:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case ActivationKind::kGeluTanh:
      return 0.5 * x *
             (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case ActivationKind::kQuickGelu:
      return x / (1 + std::exp(-1.702 * x));
    case ActivationKind::kSilu:
      return x / (1 + std::exp(-x));
  }
  return NAN;
}

TEST_P(RowKernelsTest, ActivationsEqualDouble) {
  Rng rng(1);
  for (float spread : {0.01f, 1.0f, 5.0f, 100.0f, 1e6f}) {
    int64_t n = Between(900, 1100, rng);
    auto x = Normal(n, rng, spread), up = Normal(n, rng);
    for (ActivationKind kind : kKinds) {
      std::vector<float> y(x.size()), gated(x.size());
      ActivateSpan(kind, x.data(), n, y.data());
      ActivateGated(kind, x.data(), up.data(), n, gated.data());
      for (size_t i = 0; i < x.size(); ++i) {
        double want = Expected(kind, x[i]), bound = 3e-7 * std::max(1.0, std::fabs(want));
        ASSERT_NEAR(y[i], want, bound) << x[i];
        ASSERT_NEAR(gated[i], want * up[i], bound * (1 + std::fabs(up[i]))) << x[i];
      }
    }
  }
}

TEST_P(RowKernelsTest, ActivationsKeepWhatIsNotANumberAndInfinity) {
  const float inf = std::numeric_limits<float>::infinity();
  for (ActivationKind kind : kKinds) {
    std::vector<float> x(16, NAN), y(16);
    x[1] = inf;
    ActivateSpan(kind, x.data(), 16, y.data());
    EXPECT_TRUE(std::isnan(y[0]));
    EXPECT_EQ(y[1], inf);
  }
}

TEST_P(RowKernelsTest, AnElementDoesNotKnowItsPlace) {
  Rng rng(2);
  constexpr int64_t kN = 77;
  auto x = Normal(kN, rng, 3);
  for (ActivationKind kind : kKinds) {
    std::vector<float> whole(x.size()), part(x.size());
    ActivateSpan(kind, x.data(), kN, whole.data());
    for (int64_t i = 0; i < kN; i += 3) {
      int64_t n = std::min<int64_t>(3, kN - i);
      ActivateSpan(kind, x.data() + i, n, part.data() + i);
    }
    EXPECT_EQ(whole, part);
  }
}

TEST_P(RowKernelsTest, NormsEqualDoubleFarFromZeroToo) {
  Rng rng(3);
  for (int64_t c : {1, 3, 8, 33, 64, 768, 1280, 4099}) {
    int64_t rows = 5;
    auto x = Normal(rows * c, rng, 3), w = Normal(c, rng), b = Normal(c, rng);
    for (size_t i = 0; i < x.size(); ++i) x[i] += 20;  // a mean well above the spread
    std::vector<float> ln(x.size()), rms(x.size()), in_place = x;
    LayerNormRows(x.data(), rows, c, w.data(), b.data(), 1e-5f, ln.data());
    LayerNormRows(in_place.data(), rows, c, w.data(), b.data(), 1e-5f, in_place.data());
    EXPECT_EQ(ln, in_place);
    RmsNormRows(x.data(), rows, c, w.data(), 1e-6f, rms.data());
    for (int64_t r = 0; r < rows; ++r) {
      double mean = 0, var = 0, square = 0, n = static_cast<double>(c);
      const float* p = x.data() + r * c;
      for (int64_t j = 0; j < c; ++j) mean += p[j] / n;
      for (int64_t j = 0; j < c; ++j) var += (p[j] - mean) * (p[j] - mean) / n;
      for (int64_t j = 0; j < c; ++j) square += static_cast<double>(p[j]) * p[j] / n;
      for (int64_t j = 0; j < c; ++j) {
        auto at = static_cast<size_t>(r * c + j), col = static_cast<size_t>(j);
        if (c > 1) {
          ASSERT_NEAR(ln[at], (p[j] - mean) / std::sqrt(var + 1e-5) * w[col] + b[col], 2e-5);
        } else {
          ASSERT_EQ(ln[at], b[col]);
        }
        ASSERT_NEAR(rms[at], p[j] / std::sqrt(square + 1e-6) * w[col],
                    1e-6 * (1 + std::fabs(w[col])));
      }
    }
  }
}

TEST_P(RowKernelsTest, DepthwiseEqualsDouble) {
  Rng rng(4);
  for (int trial = 0; trial < 60; ++trial) {
    SCOPED_TRACE(trial);
    DepthwiseJob j;
    j.h = Between(1, 9, rng), j.w = Between(1, 20, rng), j.c = Between(1, 70, rng);
    j.k = Between(1, 5, rng), j.stride = Between(1, 2, rng), j.padding = Between(0, j.k - 1, rng);
    if (j.h + 2 * j.padding < j.k || j.w + 2 * j.padding < j.k) continue;
    j.out_h = (j.h + 2 * j.padding - j.k) / j.stride + 1;
    j.out_w = (j.w + 2 * j.padding - j.k) / j.stride + 1;
    auto x = Normal(j.h * j.w * j.c, rng), weight = Normal(j.k * j.k * j.c, rng),
         bias = Normal(j.c, rng), y = Normal(j.out_h * j.out_w * j.c, rng), before = y;
    j.x = x.data(), j.weight = weight.data(), j.y = y.data();
    j.bias = trial % 3 ? bias.data() : nullptr;
    j.accumulate = trial % 2;
    for (int64_t row = 0; row < j.out_h; ++row) DepthwiseRows(j, row, row + 1);
    for (size_t i = 0; i < y.size(); ++i) {
      auto at = static_cast<int64_t>(i);
      int64_t c = at % j.c, ox = at / j.c % j.out_w, oy = at / j.c / j.out_w;
      double sum = (j.bias ? bias[static_cast<size_t>(c)] : 0) + (j.accumulate ? before[i] : 0);
      for (int64_t t = 0; t < j.k * j.k; ++t) {
        int64_t sy = oy * j.stride - j.padding + t / j.k, sx = ox * j.stride - j.padding + t % j.k;
        if (sy < 0 || sy >= j.h || sx < 0 || sx >= j.w) continue;
        sum += static_cast<double>(x[static_cast<size_t>((sy * j.w + sx) * j.c + c)]) *
               weight[static_cast<size_t>(t * j.c + c)];
      }
      ASSERT_NEAR(y[i], sum, 1e-5) << i;
    }
    std::vector<float> by_rows = y;
    y = before;
    DepthwiseRows(j, 0, j.out_h);
    EXPECT_EQ(y, by_rows);
  }
}

TEST_P(RowKernelsTest, RotationsEqualDouble) {
  Rng rng(5);
  for (int64_t d : {2, 10, 64, 80}) {
    int64_t rows = 4, heads = 3, stride = heads * d + 5, half = d / 2;
    auto x = Normal(rows * stride, rng), y = x, c = Normal(rows * half, rng),
         s = Normal(rows * half, rng);
    RotateRows(y.data(), rows, stride, heads, d, c.data(), s.data());
    for (int64_t i = 0; i < rows * stride; ++i) {
      int64_t r = i / stride, in = i % stride, p = in % d;
      auto at = static_cast<size_t>(i), turn = static_cast<size_t>(r * half + p % half);
      double want = x[at];
      if (in < heads * d) {
        double other = x[static_cast<size_t>(p < half ? i + half : i - half)];
        want = want * c[turn] + (p < half ? -other : other) * s[turn];
      }
      ASSERT_NEAR(y[at], want, 1e-6 * (1 + std::fabs(want))) << i;
    }
  }
}

}  // namespace
}  // namespace sightline
