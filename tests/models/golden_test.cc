// Every golden kept in the repository, within the reference's tolerance.
#include <gtest/gtest.h>

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

INSTANTIATE_TEST_SUITE_P(Models, Golden, ::testing::Values("llama3", "gemma3", "qwen2_5_vl"));

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
