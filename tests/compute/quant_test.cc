#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compute/cpu/packed_matrix.h"
#include "compute/cpu/quant_kernels.h"
#include "compute/cpu/quant_matmul.h"
#include "compute/cpu/quant_rows.h"
#include "tests/compute/random.h"
#include "tests/compute/simd_targets.h"

namespace sightline {
namespace {

constexpr BlockFormat kQuantised[] = {BlockFormat::kQ8_0, BlockFormat::kQ4_0, BlockFormat::kQ4_K,
                                      BlockFormat::kQ6_K};

std::vector<uint8_t> Blocks(BlockFormat format, const std::vector<float>& values) {
  std::vector<uint8_t> b(static_cast<size_t>(BytesOf(format, std::ssize(values))));
  QuantizeRow(format, values.data(), std::ssize(values), b.data());
  return b;
}

// Blocks of random bytes, so that every code, scale and min occurs; halves stay small and finite.
std::vector<uint8_t> WildBlocks(BlockFormat format, int64_t values, Rng& rng) {
  const BlockTraits& t = TraitsOf(format);
  std::vector<uint8_t> b(static_cast<size_t>(BytesOf(format, values)));
  for (uint8_t& x : b) x = static_cast<uint8_t>(Between(0, 255, rng));
  auto half = [&](int64_t at) {
    uint16_t h = ToHalf(Normal(1, rng, 0.01f)[0]);
    std::memcpy(b.data() + at, &h, 2);
  };
  for (int64_t i = 0; i < std::ssize(b); i += t.bytes) {
    half(format == BlockFormat::kQ6_K ? i + 208 : i);
    if (format == BlockFormat::kQ4_K) half(i + 2);
  }
  return b;
}

class QuantTest : public SimdTargetTest {};

TEST_P(QuantTest, RowsAreWithinHalfAStep) {
  Rng rng(1);
  for (int i = 0; i < 20; ++i) {
    int64_t rows = Between(1, 9, rng), k = Between(1, 40, rng) * 32,
            stride = k + Between(0, 5, rng);
    auto x = Normal(rows * stride, rng, 3);
    if (i == 0) std::fill(x.begin(), x.end(), 0.0f);
    if (i == 1) x[3] = 1e30f;
    QuantRows q;
    QuantizeRows(x.data(), stride, rows, k, &q);
    ASSERT_EQ(q.blocks % 2, 0);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t b = 0; b < q.blocks; ++b) {
        int32_t sums[2] = {0, 0};
        float top = 0, scale = q.scale[r * q.blocks + b];
        for (int64_t j = 0; j < 32; ++j) {
          int8_t code = q.codes[r * q.stride + b * 32 + j];
          float value = b * 32 + j < k ? x[static_cast<size_t>(r * stride + b * 32 + j)] : 0;
          sums[j / 16] += code;
          top = std::max(top, std::fabs(value));
          ASSERT_GE(code, -127);
          ASSERT_NEAR(code * scale, value, scale * 0.50001);
        }
        ASSERT_FLOAT_EQ(scale, top / 127);
        ASSERT_EQ(q.bias[r * q.blocks + b], -128 * (sums[0] + sums[1]));
        ASSERT_EQ(q.bias16[2 * (r * q.blocks + b)], -128 * sums[0]);
        ASSERT_EQ(q.bias16[2 * (r * q.blocks + b) + 1], -128 * sums[1]);
        ASSERT_FLOAT_EQ(q.sum[r * q.blocks + b], scale * static_cast<float>(sums[0] + sums[1]));
      }
    }
  }
}

// |got - want| against the sum of the products' sizes: float32 rounding only.
void ExpectSame(const PackedMatrix& w, const QuantRows& x, const float* got, int64_t stride) {
  std::vector<float> want(static_cast<size_t>(x.rows * w.n));
  MatMulJob job{&w, want.data(), w.n};
  QuantMatMulReference(x, {&job, 1});
  std::vector<float> weights(static_cast<size_t>(w.k));
  for (int64_t n = 0; n < w.n; ++n) {
    UnpackRow(w, n, weights.data());
    for (int64_t m = 0; m < x.rows; ++m) {
      double size = 1e-30;
      for (int64_t k = 0; k < w.k; ++k) {
        size += std::fabs(static_cast<double>(weights[static_cast<size_t>(k)]) *
                          x.codes[m * x.stride + k] * x.scale[m * x.blocks + k / 32]);
      }
      // A 4-bit weight is the difference of two numbers that may be much larger than it.
      double bound = size * (w.format == PackedFormat::kQ4K ? 2e-5 : 2e-6);
      ASSERT_NEAR(got[m * stride + n], want[static_cast<size_t>(m * w.n + n)], bound)
          << m << " " << n;
    }
  }
}

TEST_P(QuantTest, ProductsMeetTheReference) {
  Rng rng(2);
  for (BlockFormat format : kQuantised) {
    for (int i = 0; i < 24; ++i) {
      int64_t block = TraitsOf(format).values, n = Between(1, 100, rng),
              k = Between(1, block == 32 ? 41 : 6, rng) * block;
      int64_t m = i < 6 ? i + 1 : Between(1, 40, rng), stride = n + Between(0, 3, rng);
      auto rows = i % 2 ? WildBlocks(format, n * k, rng) : Blocks(format, Normal(n * k, rng, 0.1f));
      auto w = PackBlocks(format, rows.data(), n, k);
      ASSERT_TRUE(w.ok()) << w.status();
      auto x = Normal(m * k, rng);
      QuantRows q;
      QuantizeRows(x.data(), k, m, k, &q);
      std::vector<float> out(static_cast<size_t>(m * stride + 1), 7.0f);
      MatMulJob job{&*w, out.data(), stride};
      QuantMatMul(q, {&job, 1});
      ExpectSame(*w, q, out.data(), stride);
      for (int64_t r = 0; r < m; ++r) {  // nothing beyond a row's end is written
        for (int64_t c = n; c < stride; ++c)
          ASSERT_EQ(out[static_cast<size_t>(r * stride + c)], 7.0f);
      }
      ASSERT_EQ(out.back(), 7.0f);
    }
  }
}

TEST_P(QuantTest, ExtremeCodesDoNotSaturate) {
  for (BlockFormat format : kQuantised) {
    for (int fill : {0x00, 0xFF, 0x7F, 0x80}) {
      int64_t n = 17, k = 512;
      const BlockTraits& t = TraitsOf(format);
      std::vector<uint8_t> rows(static_cast<size_t>(BytesOf(format, n * k)),
                                static_cast<uint8_t>(fill));
      for (int64_t i = 0; i < std::ssize(rows); i += t.bytes) {
        uint16_t one = ToHalf(0.5f);
        std::memcpy(rows.data() + i + (format == BlockFormat::kQ6_K ? 208 : 0), &one, 2);
        if (format == BlockFormat::kQ4_K) std::memcpy(rows.data() + i + 2, &one, 2);
      }
      auto w = PackBlocks(format, rows.data(), n, k);
      ASSERT_TRUE(w.ok());
      for (int64_t m : {1, 7, 18}) {
        for (float sign : {-1.0f, 1.0f}) {
          std::vector<float> x(static_cast<size_t>(m * k), sign), out(static_cast<size_t>(m * n));
          QuantRows q;
          QuantizeRows(x.data(), k, m, k, &q);
          MatMulJob job{&*w, out.data(), n};
          QuantMatMul(q, {&job, 1});
          ExpectSame(*w, q, out.data(), n);
        }
      }
    }
  }
}

TEST_P(QuantTest, FewRowsEqualManyExactly) {
  Rng rng(3);
  for (BlockFormat format : kQuantised) {
    int64_t n = 70, k = 1280, m = 23;
    auto rows = WildBlocks(format, n * k, rng);
    auto w = PackBlocks(format, rows.data(), n, k);
    ASSERT_TRUE(w.ok());
    auto x = Normal(m * k, rng);
    QuantRows all, one;
    std::vector<float> many(static_cast<size_t>(m * n)), single(many.size()),
        both(static_cast<size_t>(2 * m * n));
    QuantizeRows(x.data(), k, m, k, &all);
    MatMulJob job{&*w, many.data(), n};
    QuantMatMul(all, {&job, 1});
    for (int64_t count = 1; count <= kGemvRows; ++count) {
      std::fill(single.begin(), single.end(), 0.0f);
      for (int64_t r = 0; r < m; r += count) {
        QuantizeRows(x.data() + r * k, k, std::min(count, m - r), k, &one);
        MatMulJob part{&*w, single.data() + r * n, n};
        QuantMatMul(one, {&part, 1});
      }
      EXPECT_EQ(many, single) << count << " rows";
    }
    MatMulJob pair[] = {{&*w, both.data(), n}, {&*w, both.data() + m * n, n}};
    QuantMatMul(all, pair);
    EXPECT_TRUE(std::equal(many.begin(), many.end(), both.begin()));
    EXPECT_TRUE(std::equal(many.begin(), many.end(), both.begin() + m * n));
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, QuantTest, testing::ValuesIn(SimdTargetsAndAmx()),
                         SimdTargetName);

TEST(PackedMatrix, KeepsEveryWeight) {
  Rng rng(4);
  for (BlockFormat format : kQuantised) {
    int64_t n = 37, k = TraitsOf(format).values * 5;
    auto rows = WildBlocks(format, n * k, rng);
    auto w = PackBlocks(format, rows.data(), n, k);
    ASSERT_TRUE(w.ok());
    std::vector<float> want(static_cast<size_t>(n * k)), got(static_cast<size_t>(k));
    DequantizeRow(format, rows.data(), n * k, want.data());
    for (int64_t r = 0; r < n; ++r) {
      UnpackRow(*w, r, got.data());
      EXPECT_TRUE(std::equal(got.begin(), got.end(), want.begin() + r * k))
          << TraitsOf(format).name << " row " << r;
    }
    EXPECT_LT(w->bytes(), (n + 15) / 16 * 16 * BytesOf(format, k) / k * (k + 32) * 115 / 100);
  }
}

TEST(PackedMatrix, QuantisesOnLoad) {
  Rng rng(5);
  for (BlockFormat from : {BlockFormat::kF32, BlockFormat::kF16, BlockFormat::kBF16}) {
    for (PackedFormat to : {PackedFormat::kQ8, PackedFormat::kQ4K}) {
      for (int64_t k : {32, 96, 256, 576, 896}) {
        int64_t n = 19;
        auto values = Normal(n * k, rng, 0.05f);
        auto rows = Blocks(from, values);
        auto w = QuantizeAndPack(from, rows.data(), n, k, to);
        ASSERT_TRUE(w.ok()) << w.status();
        double error = 0, power = 0;
        std::vector<float> got(static_cast<size_t>(k));
        for (int64_t r = 0; r < n; ++r) {
          UnpackRow(*w, r, got.data());
          for (int64_t i = 0; i < k; ++i) {
            double v = values[static_cast<size_t>(r * k + i)];
            error += (got[static_cast<size_t>(i)] - v) * (got[static_cast<size_t>(i)] - v);
            power += v * v;
          }
        }
        EXPECT_LT(std::sqrt(error / power), to == PackedFormat::kQ8 ? 0.008 : 0.085) << k;
      }
    }
  }
}

TEST(PackedMatrix, RefusesWhatItCannotPack) {
  std::vector<float> x(64, 1.0f);
  auto code = [](const auto& s) { return s.status().code(); };
  constexpr auto kBad = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(code(PackBlocks(BlockFormat::kF32, x.data(), 1, 64)), kBad);
  EXPECT_EQ(code(PackBlocks(BlockFormat::kQ8_0, x.data(), 1, 33)), kBad);
  EXPECT_EQ(code(PackBlocks(BlockFormat::kQ8_0, x.data(), 0, 32)), kBad);
  EXPECT_EQ(code(QuantizeAndPack(BlockFormat::kF32, x.data(), 1, 31, PackedFormat::kQ8)), kBad);
  EXPECT_EQ(code(QuantizeAndPack(BlockFormat::kF32, x.data(), 1, 32, PackedFormat::kQ6K)), kBad);
  EXPECT_EQ(code(QuantizeAndPack(BlockFormat::kQ4_K, x.data(), 1, 32, PackedFormat::kQ8)), kBad);
  x[40] = INFINITY;
  EXPECT_EQ(code(QuantizeAndPack(BlockFormat::kF32, x.data(), 1, 64, PackedFormat::kQ8)), kBad);
}

}  // namespace
}  // namespace sightline
