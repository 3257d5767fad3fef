#include "language/rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

namespace sightline::language {
namespace {

TEST(Rope, TurnsPairsByTheirFrequency) {
  std::mt19937 rng(std::random_device{}());
  std::uniform_real_distribution<float> value(-2, 2);
  constexpr int64_t kD = 24, kHeads = 3, kRows = 5;
  RopeTable table({kD, 10000.0});
  std::vector<int32_t> positions(3 * kRows);
  for (size_t i = 0; i < positions.size(); ++i)
    positions[i] = static_cast<int32_t>(i < kRows ? rng() % 500 : 9999);
  Tensor x({kRows, kHeads * kD}), y;
  for (float& v : x.data) v = value(rng);
  y = x;
  RotateRows(&y, kHeads, table.Angles(positions));
  for (size_t t = 0; t < kRows; ++t) {
    for (size_t h = 0; h < kHeads; ++h) {
      const float *p = &x.data[(t * kHeads + h) * kD], *q = &y.data[(t * kHeads + h) * kD];
      for (size_t i = 0; i < kD / 2; ++i) {
        double angle = positions[t] * std::pow(10000.0, -2.0 * static_cast<double>(i) / kD);
        EXPECT_NEAR(q[i], p[i] * std::cos(angle) - p[i + kD / 2] * std::sin(angle), 3e-4);
        EXPECT_NEAR(q[i + kD / 2], p[i + kD / 2] * std::cos(angle) + p[i] * std::sin(angle), 3e-4);
      }
    }
  }
}

TEST(Rope, Llama3ScalingKeepsFastPairsAndSlowsSlowOnes) {
  RopeScaling s{RopeScaling::Kind::kLlama3, 8, 1, 4, 64};
  RopeTable plain({64, 500000.0}), scaled({64, 500000.0, s});
  int kept = 0, slowed = 0, between = 0;
  for (size_t i = 0; i < 32; ++i) {
    double f = std::pow(500000.0, -2.0 * static_cast<double>(i) / 64),
           wave = 2 * std::numbers::pi / f, ratio = scaled.frequencies()[i] / f;
    if (wave < 64.0 / 4) {
      EXPECT_NEAR(ratio, 1, 1e-6);
      ++kept;
    } else if (wave > 64.0) {
      EXPECT_NEAR(ratio, 1.0 / 8, 1e-6);
      ++slowed;
    } else {
      double keep = (64 / wave - 1) / (4 - 1);
      EXPECT_NEAR(ratio, keep + (1 - keep) / 8, 1e-6);
      ++between;
    }
  }
  EXPECT_TRUE(kept > 0 && slowed > 0 && between > 0);
}

// By the formula of the paper, pair by pair, at the numbers that Qwen2.5 and Qwen3 publish.
TEST(Rope, YarnSlowsBetweenTwoPairsAndScalesTheAngles) {
  for (double theta : {1e6, 5e6}) {
    for (int64_t d : {64, 128}) {
      RopeScaling s{.kind = RopeScaling::Kind::kYarn, .factor = 4, .original_context = 32768};
      s.attention_factor = 0.1 * std::log(4.0) + 1;
      RopeTable plain({d, theta}), scaled({d, theta, s});
      auto pair_of = [&](double turns) {
        return static_cast<double>(d) * std::log(32768 / (turns * 2 * std::numbers::pi)) /
               (2 * std::log(theta));
      };
      double low = std::floor(pair_of(32)), high = std::ceil(pair_of(1));
      int kept = 0, slowed = 0, between = 0;
      for (int64_t i = 0; i < d / 2; ++i) {
        double f = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(d));
        double ramp = (static_cast<double>(i) - low) / (high - low);
        double want = ramp <= 0 ? f : ramp >= 1 ? f / 4 : f / 4 * ramp + f * (1 - ramp);
        ++(ramp <= 0 ? kept : ramp >= 1 ? slowed : between);
        EXPECT_NEAR(scaled.frequencies()[static_cast<size_t>(i)] / want, 1, 1e-6);
      }
      EXPECT_TRUE(kept > 0 && slowed > 0 && between > 0);
      auto a = scaled.Angles({7, 7, 7});
      for (size_t i = 0; i < a.cosine.data.size(); ++i)
        EXPECT_NEAR(std::hypot(a.cosine.data[i], a.sine.data[i]), s.attention_factor, 1e-6);
    }
  }
}

TEST(Rope, SectionsChooseTheStream) {
  EXPECT_EQ(RopeTable({16, 1e4, {}, {2, 3, 3}, false}).streams(),
            (std::vector<uint8_t>{0, 0, 1, 1, 1, 2, 2, 2}));
  EXPECT_EQ(RopeTable({16, 1e4, {}, {4, 2, 2}, true}).streams(),
            (std::vector<uint8_t>{0, 1, 2, 0, 1, 2, 0, 0}));
}

}  // namespace
}  // namespace sightline::language
