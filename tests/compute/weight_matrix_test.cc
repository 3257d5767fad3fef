#include "compute/ops/weight_matrix.h"

#include <gtest/gtest.h>

#include <cmath>

#include "compute/ops/ops.h"
#include "tests/compute/random.h"

namespace sightline {
namespace {

constexpr BlockFormat kAll[] = {BlockFormat::kF32,  BlockFormat::kF16,  BlockFormat::kBF16,
                                BlockFormat::kQ8_0, BlockFormat::kQ4_0, BlockFormat::kQ4_K,
                                BlockFormat::kQ6_K};

struct Rows {
  std::vector<uint8_t> bytes;
  std::vector<float> values;
  StoredTensor tensor;
};

Rows Make(BlockFormat f, int64_t n, int64_t k, Rng& rng) {
  Rows r;
  auto x = Normal(n * k, rng);
  r.bytes.resize(static_cast<size_t>(BytesOf(f, n * k)));
  r.values.resize(x.size());
  QuantizeRow(f, x.data(), n * k, r.bytes.data());
  DequantizeRow(f, r.bytes.data(), n * k, r.values.data());
  r.tensor = {f, {n, k}, r.bytes.data(), nullptr};
  return r;
}

TEST(WeightMatrixTest, KeepsWhatIsStored) {
  Rng rng(61);
  for (BlockFormat f : kAll) {
    int64_t n = Between(1, 40, rng), k = 256 * Between(1, 3, rng);
    Rows rows = Make(f, n, k, rng);
    auto w = *WeightMatrix::Pack(rows.tensor, WeightChoice::kStored);
    EXPECT_EQ(w->n(), n);
    EXPECT_EQ(w->k(), k);
    EXPECT_LE(w->bytes(), (n + 15) / 16 * 16 * BytesOf(f, k) * 11 / 10);
    std::vector<float> row(static_cast<size_t>(k));
    for (int64_t i = 0; i < n; ++i) {
      w->Row(i, row.data());
      for (int64_t j = 0; j < k; ++j) {
        float want = rows.values[static_cast<size_t>(i * k + j)];
        ASSERT_NEAR(row[static_cast<size_t>(j)], want, 1e-6 * std::fabs(want) + 1e-9);
      }
    }
  }
}

TEST(WeightMatrixTest, ChoicesComeWithinTheirError) {
  Rng rng(62);
  const std::pair<WeightChoice, double> choices[] = {{WeightChoice::kF32, 1e-6},
                                                     {WeightChoice::kBF16, 4e-3},
                                                     {WeightChoice::kQ16, 4e-4},
                                                     {WeightChoice::kQ8, 1e-2},
                                                     {WeightChoice::kQ4, 0.12}};
  for (BlockFormat f : kAll) {
    Rows rows = Make(f, 20, 512, rng);
    for (const auto& [choice, bound] : choices) {
      auto w = *WeightMatrix::Pack(rows.tensor, choice);
      EXPECT_EQ(WeightMatrix::PackedBytes(f, 20, 512, choice), w->bytes());
      double error = 0, size = 0;
      std::vector<float> row(512);
      for (int64_t i = 0; i < 20; ++i) {
        w->Row(i, row.data());
        for (size_t j = 0; j < row.size(); ++j) {
          double want = rows.values[static_cast<size_t>(i) * 512 + j];
          error += (row[j] - want) * (row[j] - want);
          size += want * want;
        }
      }
      EXPECT_LE(std::sqrt(error / size), bound) << TraitsOf(f).name << NameOf(w->format());
    }
  }
}

TEST(WeightMatrixTest, TowersTakeWordsWhereIntegersAreAskedFor) {
  for (WeightChoice c : {WeightChoice::kStored, WeightChoice::kF32, WeightChoice::kBF16}) {
    EXPECT_EQ(TowerWeights(c), WeightChoice::kF32);
  }
  for (WeightChoice c : {WeightChoice::kQ8, WeightChoice::kQ4}) {
    EXPECT_EQ(TowerWeights(c), WeightChoice::kQ16);
  }
}

TEST(WeightMatrixTest, WidthsThatDoNotQuantiseStayAsStored) {
  Rng rng(63);
  Rows rows = Make(BlockFormat::kBF16, 9, 50, rng);
  EXPECT_EQ((*WeightMatrix::Pack(rows.tensor, WeightChoice::kQ8))->format(), WeightFormat::kBF16);
  EXPECT_EQ((*WeightMatrix::Pack(rows.tensor, WeightChoice::kQ4))->format(), WeightFormat::kBF16);
}

TEST(WeightMatrixTest, JobsOfMixedKindsShareACallAndRowsDoNotDependOnOthers) {
  Rng rng(64);
  int64_t k = 256;
  std::vector<Rows> rows;
  std::vector<std::shared_ptr<const WeightMatrix>> w;
  for (BlockFormat f : kAll) {
    rows.push_back(Make(f, Between(1, 50, rng), k, rng));
    w.push_back(*WeightMatrix::Pack(rows.back().tensor, WeightChoice::kStored));
  }
  int64_t m = 30;
  auto x = Normal(m * k, rng), bias = Normal(50, rng);
  std::vector<std::vector<float>> out, one;
  for (const auto& matrix : w) {
    out.emplace_back(static_cast<size_t>(m * matrix->n()));
    one.emplace_back(static_cast<size_t>(matrix->n()));
  }
  auto jobs = [&](std::vector<std::vector<float>>* to) {
    std::vector<WeightJob> list;
    for (size_t i = 0; i < w.size(); ++i) {
      list.push_back({w[i].get(), i % 2 ? bias.data() : nullptr, (*to)[i].data(), w[i]->n()});
    }
    return list;
  };
  MatMul(x.data(), k, m, jobs(&out));
  for (int64_t r = 0; r < m; ++r) {
    MatMul(x.data() + r * k, k, 1, jobs(&one));
    for (size_t i = 0; i < w.size(); ++i) {
      int64_t n = w[i]->n();
      for (int64_t c = 0; c < n; ++c) {
        double want = i % 2 ? bias[static_cast<size_t>(c)] : 0, size = 0;
        for (int64_t j = 0; j < k; ++j) {
          double p = static_cast<double>(x[static_cast<size_t>(r * k + j)]) *
                     rows[i].values[static_cast<size_t>(c * k + j)];
          want += p;
          size += p * p;
        }
        float got = out[i][static_cast<size_t>(r * n + c)];
        ASSERT_EQ(got, one[i][static_cast<size_t>(c)]);
        ASSERT_NEAR(got, want, (w[i]->floats() ? 1e-5 : 0.05) * std::sqrt(size)) << i;
      }
    }
  }
}

TEST(WeightMatrixTest, APackedLayerComputesWhatThePlainOneDoes) {
  Rng rng(65);
  for (int64_t m : {1, 5, 40}) {
    Linear plain{Tensor({37, 100}), Normal(37, rng)};
    plain.w.data = Normal(3700, rng);
    Linear packed = plain;
    ASSERT_TRUE(PackWeights(WeightChoice::kF32, &packed).ok());
    EXPECT_TRUE(packed.w.data.empty());
    EXPECT_EQ(packed.outputs(), 37);
    Tensor x({m, 100});
    x.data = Normal(m * 100, rng);
    Tensor a = Apply(x, plain), b = Apply(x, packed);
    ASSERT_EQ(a.shape, b.shape);
    for (size_t i = 0; i < a.data.size(); ++i) ASSERT_NEAR(a.data[i], b.data[i], 1e-4);
    const Linear* both[] = {&packed, &plain};
    auto all = ApplyAll(x, both);
    EXPECT_EQ(all[0].data, b.data);
    EXPECT_EQ(all[1].data, a.data);
  }
}

TEST(WeightMatrixTest, ChoicesHaveNames) {
  EXPECT_EQ(*ParseWeightChoice("q4"), WeightChoice::kQ4);
  EXPECT_FALSE(ParseWeightChoice("int3").ok());
}

}  // namespace
}  // namespace sightline
