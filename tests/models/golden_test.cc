// Every golden kept in the repository, within the reference's tolerance.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/models/model_files.h"
#include "tools/parity/model_parity.h"

namespace sightline::parity {
namespace {

class Golden : public ::testing::TestWithParam<const char*> {};

TEST_P(Golden, MeetsTheReference) {
  auto report = CompareFolder(GoldenDirectory(GetParam()));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->ok()) << report->Table();
  for (const Row& row : report->rows) EXPECT_LE(row.error, row.bound) << row.name << " " << row.tap;
}

// Float32 holds what the files store, bfloat16 is what they store.
TEST_P(Golden, MeetsTheReferenceWithAnyFloats) {
  for (WeightChoice weights : {WeightChoice::kF32, WeightChoice::kBF16}) {
    auto report = CompareFolder(GoldenDirectory(GetParam()), weights);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->ok()) << report->Table();
  }
}

// Keys and values in half precision: near, and not the same.
TEST_P(Golden, HalfPagesComeNear) {
  auto report =
      CompareFolder(GoldenDirectory(GetParam()), WeightChoice::kStored, {}, "", KvFormat::kF16);
  ASSERT_TRUE(report.ok()) << report.status();
  for (const Row& row : report->rows) {
    if (row.tap != "logits_last48") continue;
    EXPECT_LE(row.error, 2e-3) << row.name;
    EXPECT_GE(row.error, 2e-6) << row.name << ": nothing was rounded";
  }
}

TEST_P(Golden, IntegersComeNear) {
  for (auto [weights, bound] : {std::pair{WeightChoice::kQ8, 0.04}, {WeightChoice::kQ4, 0.3}}) {
    auto report = CompareFolder(GoldenDirectory(GetParam()), weights);
    ASSERT_TRUE(report.ok()) << report.status();
    for (const Row& row : report->rows) {
      if (row.tap != "logits_last48") continue;
      EXPECT_LE(row.error, bound) << row.name;
      EXPECT_GE(row.error, 1e-3) << row.name << ": nothing was quantised";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Golden,
                         ::testing::Values("llama3", "gemma3", "qwen2_5_vl", "smolvlm"));

// A folder of which a part is lost would be compared in fewer ways and still meet its bounds.
TEST(GoldenFolders, TextCasesAreComparedInEveryWay) {
  for (const char* model : {"qwen2_5_vl", "smolvlm"}) {
    auto report = CompareFolder(GoldenDirectory(model));
    ASSERT_TRUE(report.ok()) << report.status();
    for (const char* tap : {"ids from files", "hidden_states_last8", "attention_last_row",
                            "logits_last48", "generated"}) {
      EXPECT_EQ(std::count_if(report->rows.begin(), report->rows.end(),
                              [&](const Row& r) { return r.name == "text_only" && r.tap == tap; }),
                1)
          << model << " " << tap;
    }
  }
}

// A bound that nothing can miss would prove nothing.
TEST(Report, ErrorsAreSeen) {
  Report report;
  EXPECT_FALSE(report.ok());
  report.Add({"case", "tap", RelativeError({1, 2, 3}, {1, 2, 3.1f}), 1e-4, ""});
  EXPECT_FALSE(report.ok());
  EXPECT_NEAR(RelativeError({3, 4}, {3, 5}), 1 / std::sqrt(34.0), 1e-12);
  EXPECT_FALSE((Row{"", "", RelativeError({NAN}, {1}), 1e-4, ""}).ok());
  EXPECT_EQ(Mismatches({1, 2, 3, 4}, {1, 2, 0, 4}), 0.25);
}

}  // namespace
}  // namespace sightline::parity
