#include "compute/cpu/word_matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/compute/random.h"
#include "tests/compute/simd_targets.h"

namespace sightline {
namespace {

class WordMatMulTest : public SimdTargetTest {};

TEST_P(WordMatMulTest, MeetsTheReferenceAndARowDoesNotDependOnOthers) {
  Rng rng(71);
  for (int i = 0; i < 60; ++i) {
    int64_t m = i < 30 ? i + 1 : Between(7, 60, rng), n = Between(1, 90, rng),
            k = i % 4 == 3 ? Between(500, 800, rng) : Between(1, 300, rng);
    int64_t x_stride = k + Between(0, 3, rng), out_stride = n + Between(0, 3, rng);
    auto rows = Normal(n * k, rng), x = Normal(m * x_stride, rng), bias = Normal(n, rng);
    WordMatrix w = *PackWords(BlockFormat::kF32, rows.data(), n, k);
    const float* b = i % 2 ? bias.data() : nullptr;
    std::vector<float> out(static_cast<size_t>(m * out_stride), 7.0f),
        want(static_cast<size_t>(m * n)), one(static_cast<size_t>(n));
    WordJob job{&w, out.data(), out_stride, b}, plain{&w, want.data(), n, b};
    WordMatMul(x.data(), x_stride, m, k, {&job, 1});
    WordMatMulReference(x.data(), x_stride, m, k, {&plain, 1});
    double bound = 1e-6 * static_cast<double>(k + 30);
    for (int64_t r = 0; r < m; ++r) {
      WordJob alone{&w, one.data(), n, b};
      WordMatMul(x.data() + r * x_stride, x_stride, 1, k, {&alone, 1});
      for (int64_t c = 0; c < n; ++c) {
        float got = out[static_cast<size_t>(r * out_stride + c)];
        ASSERT_NEAR(got, want[static_cast<size_t>(r * n + c)], bound) << i;
        ASSERT_EQ(got, one[static_cast<size_t>(c)]) << i;
      }
      for (int64_t c = n; c < out_stride; ++c)
        ASSERT_EQ(out[static_cast<size_t>(r * out_stride + c)], 7.0f);
    }
  }
}

TEST_P(WordMatMulTest, SumsOfTheLargestCodesFit) {
  for (float sign : {1.0f, -1.0f}) {
    int64_t m = 20, n = 40, k = 192;
    std::vector<float> rows(static_cast<size_t>(n * k), 3.0f), x(static_cast<size_t>(m * k), sign),
        out(static_cast<size_t>(m * n));
    WordMatrix w = *PackWords(BlockFormat::kF32, rows.data(), n, k);
    WordJob job{&w, out.data(), n, nullptr};
    WordMatMul(x.data(), k, m, k, {&job, 1});
    for (float v : out) ASSERT_NEAR(v, sign * 576, 1e-3);
  }
}

TEST_P(WordMatMulTest, ComesNearTheExactProduct) {
  Rng rng(72);
  int64_t m = 40, n = 70, k = 700;
  auto rows = Normal(n * k, rng), x = Normal(m * k, rng);
  WordMatrix w = *PackWords(BlockFormat::kF32, rows.data(), n, k);
  std::vector<float> out(static_cast<size_t>(m * n));
  WordJob job{&w, out.data(), n, nullptr};
  WordMatMul(x.data(), k, m, k, {&job, 1});
  double error = 0, size = 0;
  for (int64_t i = 0; i < m * n; ++i) {
    double want = 0;
    for (int64_t j = 0; j < k; ++j) {
      want += static_cast<double>(x[static_cast<size_t>(i / n * k + j)]) *
              rows[static_cast<size_t>(i % n * k + j)];
    }
    error += (out[static_cast<size_t>(i)] - want) * (out[static_cast<size_t>(i)] - want);
    size += want * want;
  }
  EXPECT_LT(std::sqrt(error / size), 4e-4);
}

TEST_P(WordMatMulTest, JobsShareACall) {
  Rng rng(73);
  int64_t m = 20, k = 130, sizes[] = {40, 7, 64};
  auto x = Normal(m * k, rng);
  std::vector<WordMatrix> w;
  std::vector<std::vector<float>> out, alone;
  std::vector<WordJob> jobs;
  for (int64_t n : sizes) {
    w.push_back(*PackWords(BlockFormat::kF32, Normal(n * k, rng).data(), n, k));
    out.emplace_back(static_cast<size_t>(m * n));
    alone.emplace_back(static_cast<size_t>(m * n));
  }
  for (size_t i = 0; i < w.size(); ++i) {
    jobs.push_back({&w[i], out[i].data(), sizes[i], nullptr});
    WordJob job{&w[i], alone[i].data(), sizes[i], nullptr};
    WordMatMul(x.data(), k, m, k, {&job, 1});
  }
  WordMatMul(x.data(), k, m, k, jobs);
  ASSERT_EQ(out, alone);
}

TEST(WordMatrixTest, RefusesWhatItCannotHold) {
  std::vector<float> rows(64, 1.0f);
  rows[40] = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(PackWords(BlockFormat::kF32, rows.data(), 2, 32).ok());
  EXPECT_FALSE(PackWords(BlockFormat::kQ8_0, nullptr, 1, 33).ok());
}

INSTANTIATE_TEST_SUITE_P(Targets, WordMatMulTest, testing::ValuesIn(SimdTargets()), SimdTargetName);

}  // namespace
}  // namespace sightline
