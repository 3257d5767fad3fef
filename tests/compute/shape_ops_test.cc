#include "compute/ops/shape_ops.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/compute/random.h"

namespace sightline {
namespace {

Tensor Random(std::vector<int64_t> shape, Rng& rng, float scale = 1) {
  Tensor t(std::move(shape));
  t.data = Normal(static_cast<int64_t>(t.data.size()), rng, scale);
  return t;
}

TEST(ShapeOpsTest, PartsJoinToTheWhole) {
  Rng rng(1);
  Tensor x = Random({3, 4, 7}, rng);
  EXPECT_EQ(JoinColumns(Columns(x, 0, 2), Columns(x, 2, 5)).data, x.data);
  EXPECT_EQ(JoinRows(Rows(x, 0, 5), Rows(x, 5, 7)).data, x.data);
  EXPECT_EQ(Transposed(Transposed(x)).data, x.data);
  EXPECT_EQ(MapToPlanes(PlanesToMap(x)).data, x.data);
  EXPECT_EQ(PlanesToMap(x).row(5)[2], x.data[2 * 28 + 5]);
  EXPECT_EQ(HostValues(FromHost(x.data, x.shape)), x.data);
}

TEST(ShapeOpsTest, GatherAndScatterAreInverse) {
  Rng rng(2);
  Tensor x = Random({6, 3}, rng), y({6, 3});
  std::vector<int32_t> order = {4, 0, 5, 1, 3, 2};
  ScatterRows(GatherRows(x, order), order, &y);
  EXPECT_EQ(x.data, y.data);
  Tensor some = GatherRows(x, {-1, 2});
  EXPECT_EQ(some.row(0)[1], 0);
  EXPECT_EQ(some.row(1)[1], x.row(2)[1]);
}

TEST(ShapeOpsTest, PadsAreZerosToTheRightAndBelow) {
  Rng rng(3);
  Tensor x = Random({2, 3, 2}, rng);
  Tensor wide = PadMap(x, 4, 5);
  ASSERT_EQ(wide.shape, (std::vector<int64_t>{4, 5, 2}));
  double outside = 0;
  for (int64_t i = 0; i < 20; ++i) {
    if (i / 5 >= 2 || i % 5 >= 3) outside += std::fabs(wide.row(i)[0]) + std::fabs(wide.row(i)[1]);
  }
  EXPECT_EQ(outside, 0);
  EXPECT_EQ(wide.row(6)[1], x.row(4)[1]);
  EXPECT_EQ(CropMap(wide, 2, 3).data, x.data);
}

TEST(ShapeOpsTest, ElementsEqualDouble) {
  Rng rng(4);
  Tensor x = Random({5, 6}, rng, 2), y = Random({5, 6}, rng), g = Random({6}, rng);
  Tensor sum = x, scaled = x, gated = x, gelu = x, relu = x, sigmoid = x;
  Add(&sum, y), Add(&scaled, y, g), ScaleColumns(&gated, g);
  Gelu(&gelu), Relu(&relu), Sigmoid(&sigmoid);
  for (size_t i = 0; i < x.data.size(); ++i) {
    double v = x.data[i], w = y.data[i], gain = g.data[i % 6];
    EXPECT_NEAR(sum.data[i], v + w, 1e-6);
    EXPECT_NEAR(scaled.data[i], v + gain * w, 1e-5);
    EXPECT_NEAR(gated.data[i], v * gain, 1e-5);
    EXPECT_NEAR(gelu.data[i], 0.5 * v * (1 + std::erf(v / std::sqrt(2.0))), 1e-6);
    EXPECT_EQ(relu.data[i], std::max(x.data[i], 0.0f));
    EXPECT_NEAR(sigmoid.data[i], 1 / (1 + std::exp(-v)), 1e-6);
  }
}

// Variances near the epsilon, where a wrong one shows.
TEST(ShapeOpsTest, NormsEqualDouble) {
  Rng rng(5);
  for (float scale : {1e-3f, 1e-2f, 1.0f}) {
    Tensor x = Random({4, 9}, rng, scale);
    NormWeights n{Random({9}, rng), Random({9}, rng), 1e-6f};
    Tensor rows = Normalise(x, n), together = NormaliseTogether(x, n);
    double mean = 0, var = 0;
    for (float v : x.data) mean += v / 36.0;
    for (float v : x.data) var += (v - mean) * (v - mean) / 36.0;
    for (int64_t i = 0; i < 4; ++i) {
      double m = 0, s = 0;
      for (int64_t j = 0; j < 9; ++j) m += x.row(i)[j] / 9.0;
      for (int64_t j = 0; j < 9; ++j) s += (x.row(i)[j] - m) * (x.row(i)[j] - m) / 9.0;
      for (int64_t j = 0; j < 9; ++j) {
        auto c = static_cast<size_t>(j);
        double w = n.weight.data[c], b = n.bias.data[c], v = x.row(i)[j];
        ASSERT_NEAR(rows.row(i)[j], (v - m) / std::sqrt(s + 1e-6) * w + b, 1e-5);
        ASSERT_NEAR(together.row(i)[j], (v - mean) / std::sqrt(var + 1e-6) * w + b, 1e-5);
      }
    }
  }
}

TEST(ShapeOpsTest, MeansAndProducts) {
  Rng rng(6);
  Tensor a = Random({5, 4}, rng), b = Random({3, 4}, rng);
  Tensor mean = MeanRows(a), p = Product(a, b);
  for (int64_t j = 0; j < 4; ++j) {
    double sum = 0;
    for (int64_t i = 0; i < 5; ++i) sum += a.row(i)[j];
    EXPECT_NEAR(mean.row(0)[j], sum / 5, 1e-6);
  }
  for (int64_t i = 0; i < 5; ++i) {
    for (int64_t j = 0; j < 3; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < 4; ++k) sum += static_cast<double>(a.row(i)[k]) * b.row(j)[k];
      EXPECT_NEAR(p.row(i)[j], sum, 1e-5);
    }
  }
}

}  // namespace
}  // namespace sightline
