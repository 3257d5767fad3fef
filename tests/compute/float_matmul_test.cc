#include "compute/cpu/float_matmul.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "compute/cpu/float_kernels.h"
#include "tests/compute/random.h"
#include "tests/compute/simd_targets.h"

namespace sightline {
namespace {

constexpr BlockFormat kFloats[] = {BlockFormat::kF32, BlockFormat::kF16, BlockFormat::kBF16};

std::vector<uint8_t> Stored(BlockFormat format, const std::vector<float>& values) {
  std::vector<uint8_t> b(static_cast<size_t>(BytesOf(format, std::ssize(values))));
  QuantizeRow(format, values.data(), std::ssize(values), b.data());
  return b;
}

class FloatMatMulTest : public SimdTargetTest {};

TEST_P(FloatMatMulTest, MeetsTheReferenceAndARowDoesNotDependOnOthers) {
  Rng rng(51);
  for (int i = 0; i < 60; ++i) {
    BlockFormat f = kFloats[i % 3];
    int64_t m = i < 24 ? i / 3 + 1 : Between(7, 40, rng), n = Between(1, 90, rng),
            k = i % 4 == 3 ? Between(500, 800, rng) : Between(1, 300, rng);
    int64_t x_stride = k + Between(0, 3, rng), out_stride = n + Between(0, 3, rng);
    auto bytes = Stored(f, Normal(n * k, rng));
    auto x = Normal(m * x_stride, rng), bias = Normal(n, rng);
    FloatMatrix w = *PackFloats(f, bytes.data(), n, k, f);
    const float* b = i % 2 ? bias.data() : nullptr;
    std::vector<float> out(static_cast<size_t>(m * out_stride), 7.0f),
        want(static_cast<size_t>(m * n)), one(static_cast<size_t>(n));
    FloatJob job{&w, out.data(), out_stride, b}, plain{&w, want.data(), n, b};
    FloatMatMul(x.data(), x_stride, m, k, {&job, 1});
    FloatMatMulReference(x.data(), x_stride, m, k, {&plain, 1});
    double bound = 1e-6 * static_cast<double>(k + 30);
    for (int64_t r = 0; r < m; ++r) {
      FloatJob alone{&w, one.data(), n, b};
      FloatMatMul(x.data() + r * x_stride, x_stride, 1, k, {&alone, 1});
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

TEST_P(FloatMatMulTest, FewRowsAndManyGiveTheSameBits) {
  Rng rng(52);
  int64_t m = 512, n = 100;
  for (int64_t k : {129, 777}) {  // within a chunk, and across several; odd
    auto values = Normal(n * k, rng), x = Normal(m * k, rng);
    for (BlockFormat f : kFloats) {
      auto bytes = Stored(f, values);
      FloatMatrix w = *PackFloats(f, bytes.data(), n, k, f);
      FloatMatrix wide = *PackFloats(f, bytes.data(), n, k, BlockFormat::kF32);
      std::vector<float> all(static_cast<size_t>(m * n)), few(all.size()), same(all.size());
      FloatJob job{&w, all.data(), n, nullptr}, as_wide{&wide, same.data(), n, nullptr};
      FloatMatMul(x.data(), k, m, k, {&job, 1});
      FloatMatMul(x.data(), k, m, k, {&as_wide, 1});
      ASSERT_EQ(all, same);  // the same numbers, stored wider
      for (int64_t count = 1; count <= kFloatGemvRows + 1; ++count) {
        for (int64_t r = 0; r + count <= 40; r += count) {
          FloatJob part{&w, few.data() + r * n, n, nullptr};
          FloatMatMul(x.data() + r * k, k, count, k, {&part, 1});
        }
        int64_t done = 40 / count * count * n;
        ASSERT_EQ(std::memcmp(all.data(), few.data(), static_cast<size_t>(done) * sizeof(float)), 0)
            << count << " rows of " << k;
        std::fill(few.begin(), few.end(), 0.0f);
      }
    }
  }
}

TEST_P(FloatMatMulTest, JobsShareACall) {
  Rng rng(53);
  for (int64_t m : {3, 20}) {
    int64_t k = 130, sizes[] = {40, 7, 64};
    auto x = Normal(m * k, rng);
    std::vector<FloatMatrix> w;
    std::vector<std::vector<float>> out, alone;
    std::vector<FloatJob> jobs;
    for (int64_t n : sizes) {
      auto bytes = Stored(BlockFormat::kBF16, Normal(n * k, rng));
      w.push_back(*PackFloats(BlockFormat::kBF16, bytes.data(), n, k, BlockFormat::kBF16));
      out.emplace_back(static_cast<size_t>(m * n));
      alone.emplace_back(static_cast<size_t>(m * n));
    }
    for (size_t i = 0; i < w.size(); ++i) {
      jobs.push_back({&w[i], out[i].data(), sizes[i], nullptr});
      FloatJob job{&w[i], alone[i].data(), sizes[i], nullptr};
      FloatMatMul(x.data(), k, m, k, {&job, 1});
    }
    FloatMatMul(x.data(), k, m, k, jobs);
    ASSERT_EQ(out, alone);
  }
}

TEST(FloatMatrixTest, PacksAnyStoredFormat) {
  Rng rng(54);
  for (BlockFormat stored : {BlockFormat::kF32, BlockFormat::kF16, BlockFormat::kBF16,
                             BlockFormat::kQ8_0, BlockFormat::kQ4_K}) {
    int64_t n = Between(1, 50, rng), k = 256 * Between(1, 3, rng);
    auto bytes = Stored(stored, Normal(n * k, rng));
    std::vector<float> want(static_cast<size_t>(n * k)), row(static_cast<size_t>(k));
    DequantizeRow(stored, bytes.data(), n * k, want.data());
    for (BlockFormat to : kFloats) {
      FloatMatrix w = *PackFloats(stored, bytes.data(), n, k, to);
      for (int64_t r = 0; r < n; ++r) {
        UnpackRow(w, r, row.data());
        for (int64_t i = 0; i < k; ++i) {
          float v = want[static_cast<size_t>(r * k + i)];
          float rounded = to == BlockFormat::kF32    ? v
                          : to == BlockFormat::kBF16 ? FromBfloat(ToBfloat(v))
                                                     : FromHalf(ToHalf(v));
          ASSERT_EQ(row[static_cast<size_t>(i)], rounded);
        }
      }
    }
  }
  EXPECT_FALSE(PackFloats(BlockFormat::kQ8_0, nullptr, 1, 33, BlockFormat::kF32).ok());
}

INSTANTIATE_TEST_SUITE_P(Targets, FloatMatMulTest, testing::ValuesIn(SimdTargets()),
                         SimdTargetName);

}  // namespace
}  // namespace sightline
