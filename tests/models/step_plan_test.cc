// Who gets how many rows of a step.
#include "fusion/step_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>

namespace sightline {
namespace {

using Rows = std::vector<int64_t>;

TEST(StepPlan, OneForEachThatGeneratesThenPromptsInOrder) {
  EXPECT_EQ(PlanStep({0, 0, 0}, {100, 50}), (Rows{1, 1, 1}));
  EXPECT_EQ(PlanStep({1000}, {100, 50}), (Rows{50}));
  EXPECT_EQ(PlanStep({0, 30}, {100, 50}), (Rows{1, 30}));
  // 98 rows are left; 24 of them are shared, 12 each; then the first prompt is filled up.
  EXPECT_EQ(PlanStep({0, 1000, 0, 1000}, {100, 60}), (Rows{1, 60, 1, 38}));
  EXPECT_EQ(PlanStep({0, 1000, 0, 1000}, {100, 100}), (Rows{1, 86, 1, 12}));
  EXPECT_EQ(PlanStep({}, {100, 50}), (Rows{}));
}

TEST(StepPlan, ABudgetThatIsUsedUpStillMovesEverySequence) {
  EXPECT_EQ(PlanStep({0, 0, 0, 40, 40}, {3, 50}), (Rows{1, 1, 1, 1, 1}));
  EXPECT_EQ(PlanStep({0, 40}, {1, 1}), (Rows{1, 1}));
}

TEST(StepPlan, HoldsItsPromises) {
  std::mt19937 rng(std::random_device{}());
  for (int round = 0; round < 500; ++round) {
    StepLimits limits{1 + static_cast<int>(rng() % 300), 1 + static_cast<int>(rng() % 300)};
    Rows left(rng() % 12);
    for (int64_t& n : left) n = rng() % 2 ? 0 : 1 + static_cast<int64_t>(rng() % 500);
    Rows rows = PlanStep(left, limits);
    ASSERT_EQ(rows.size(), left.size());
    int64_t least = static_cast<int64_t>(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_GE(rows[i], 1);
      EXPECT_LE(rows[i], left[i] == 0 ? 1 : std::min<int64_t>(left[i], limits.prefill_chunk));
    }
    EXPECT_LE(std::accumulate(rows.begin(), rows.end(), int64_t{0}),
              std::max<int64_t>(limits.step_tokens, least));
  }
}

// However many long prompts came before, a short one is through after a number of steps that
// depends on their number, not on their lengths.
TEST(StepPlan, AShortPromptPassesLongOnes) {
  Rows left(8, 1000000);
  left.push_back(40);
  int steps = 0;
  for (; left.back() > 0 && steps < 100; ++steps) {
    Rows rows = PlanStep(left, {256, 256});
    for (size_t i = 0; i < left.size(); ++i) left[i] -= rows[i];
  }
  EXPECT_LE(steps, 6);
}

}  // namespace
}  // namespace sightline
