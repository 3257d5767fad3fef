#include "compute/cpu/half_matvec.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/compute/random.h"
#include "tests/compute/simd_targets.h"

namespace sightline {
namespace {

class HalfMatVecTest : public SimdTargetTest {};

TEST_P(HalfMatVecTest, MeetsDoublePrecision) {
  Rng rng(31);
  for (int i = 0; i < 40; ++i) {
    BlockFormat f = i % 2 ? BlockFormat::kF16 : BlockFormat::kBF16;
    int64_t n = Between(1, 60, rng), k = Between(1, 700, rng),
            rows = i < 12 ? i % 6 + 1 : Between(1, 9, rng);
    int64_t x_stride = k + Between(0, 3, rng), out_stride = n + Between(0, 3, rng);
    auto values = Normal(n * k, rng), x = Normal(rows * x_stride, rng), wide = values;
    std::vector<uint16_t> w(values.size());
    QuantizeRow(f, values.data(), n * k, w.data());
    DequantizeRow(f, w.data(), n * k, wide.data());
    std::vector<float> out(static_cast<size_t>(rows * out_stride), 7.0f),
        one(static_cast<size_t>(n));
    HalfMatVec(f, w.data(), n, k, x.data(), x_stride, rows, out.data(), out_stride);
    for (int64_t r = 0; r < rows; ++r) {
      HalfMatVec(f, w.data(), n, k, x.data() + r * x_stride, x_stride, 1, one.data(), n);
      for (int64_t c = 0; c < n; ++c) {
        double want = 0, size = 0;
        for (int64_t j = 0; j < k; ++j) {
          double p = static_cast<double>(wide[static_cast<size_t>(c * k + j)]) *
                     x[static_cast<size_t>(r * x_stride + j)];
          want += p;
          size += std::fabs(p);
        }
        float got = out[static_cast<size_t>(r * out_stride + c)];
        ASSERT_NEAR(got, want, 2e-6 * size + 1e-30) << i;
        ASSERT_EQ(got, one[static_cast<size_t>(c)]);  // alone as among others
      }
      for (int64_t c = n; c < out_stride; ++c)
        ASSERT_EQ(out[static_cast<size_t>(r * out_stride + c)], 7.0f);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, HalfMatVecTest, testing::ValuesIn(SimdTargets()), SimdTargetName);

}  // namespace
}  // namespace sightline
