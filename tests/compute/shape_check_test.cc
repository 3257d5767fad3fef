// Named dimensions: what fits goes through, what does not ends the process and says what was wrong.
#include "compute/base/shape_check.h"

#include <gtest/gtest.h>

#include "compute/attention/attend_packed.h"
#include "compute/ops/decoder_ops.h"
#include "compute/ops/paged_attention.h"
#include "compute/ops/shape_ops.h"

namespace sightline {
namespace {

class ShapeCheckDeathTest : public testing::Test {
 protected:
  // Other threads may be running: the process that dies starts anew.
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST(ShapeCheckTest, WhatFitsGoesThrough) {
  Tensor q({2, 5, 7});
  CheckShape(q, "q", {{"B", 2}, {"T", 5}, {"C", 7}});
  CheckShape(q, "q", {{"B"}, {"T", kAnySize}, {"C", 7}});
  CheckShape(std::vector<int64_t>{}, "scalar", {});
  CheckSize(7, "bias", {"C", 7});
  CheckMultiple(21, "x", {"C", 7});
  CheckRange(0, 7, "x", {"T", 7});
  CheckRange(7, 0, "x", {"T", 7});
}

TEST_F(ShapeCheckDeathTest, NamesTensorDimensionAndBothSizes) {
  Tensor q({2, 5, 7});
  EXPECT_DEATH(CheckShape(q, "q", {{"B", 2}, {"T", 6}, {"C", 7}}),
               "check failed: q: T is 5, expected 6; found \\[2, 5, 7\\], expected "
               "\\[B = 2, T = 6, C = 7\\] \\(.*shape_check_test.cc:[0-9]+\\)");
  EXPECT_DEATH(CheckShape(q, "q", {{"T"}, {"H * D", 35}}), "q: 3 dimensions, expected 2; found");
  EXPECT_DEATH(CheckSize(7, "bias", {"N", 8}), "bias: N is 7, expected 8 ");
  EXPECT_DEATH(CheckMultiple(20, "x", {"C", 7}), "x: C is 20, expected a multiple of 7 ");
  EXPECT_DEATH(CheckMultiple(20, "x", {"C", 0}), "x: C is 20, expected a multiple of 0 ");
  EXPECT_DEATH(CheckRange(3, 5, "rows", {"T", 7}), "rows: \\[3, 8\\) of T, which is 7 ");
  EXPECT_DEATH(CheckRange(-1, 5, "rows", {"T", 7}), "rows: \\[-1, 4\\) of T, which is 7 ");
}

TEST_F(ShapeCheckDeathTest, OpsNameWhatDoesNotFit) {
  Tensor x({3, 10}), other({3, 11});
  Linear layer{Tensor({4, 9}), {}};
  const Linear* layers[] = {&layer};
  EXPECT_DEATH(Apply(x, layer), "x: K is 10, expected 9 ");
  Linear packed{Tensor({4, 9}), {}};
  ASSERT_TRUE(PackWeights(WeightChoice::kF32, &packed).ok());
  layers[0] = &packed;
  EXPECT_DEATH(ApplyAll(x, layers), "x: K is 10, expected 9 ");
  Linear biased{Tensor({4, 10}), std::vector<float>(3)};
  EXPECT_DEATH(Apply(x, biased), "bias: N is 3, expected 4 ");
  EXPECT_DEATH(RmsNormalise(x, std::vector<float>(4), 1), "x: C is 10, expected a multiple of 4 ");
  EXPECT_DEATH(LayerNormalise(x, std::vector<float>(5), std::vector<float>(6), 1),
               "bias: C is 6, expected 5 ");
  EXPECT_DEATH(Normalise(x, NormWeights{Tensor({5}), Tensor({5}), 1}),
               "weight: C is 5, expected 10 ");
  EXPECT_DEATH(GatedSilu(x, other), "gate: F is 10, expected 11 ");
  EXPECT_DEATH(AddRows(&x, 1, x), "rows of y: \\[1, 4\\) of T, which is 3 ");
  BlockList list = DenseList(3, 3);
  EXPECT_DEATH(AttendPacked(x, 2, 1, list), "qkv: 3C is 10, expected a multiple of 6 ");
  PagedAttentionSpec spec{0, 2, 1, 16, 1, 0};
  EXPECT_DEATH(PagedAttention(x, {}, spec),
               "q: H \\* D is 10, expected 32; found \\[3, 10\\], expected \\[T, H \\* D = 32\\] "
               "\\(.*paged_attention.cc");
  EXPECT_DEATH(AppendRows(x, other, {}, 0), "v: G \\* D is 11, expected 10");
}

}  // namespace
}  // namespace sightline
