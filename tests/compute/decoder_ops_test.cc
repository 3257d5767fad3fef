// Row operations of a decoder step: against plain loops in double precision, and each row the same
// to the last bit whatever rows stand beside it.
#include "compute/ops/decoder_ops.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/compute/random.h"

namespace sightline {
namespace {

Tensor Random(int64_t rows, int64_t cols, Rng& rng, float scale = 1) {
  Tensor x({rows, cols});
  x.data = Normal(rows * cols, rng, scale);
  return x;
}

// `run` of all rows at once, and of each row alone and of pairs: equal to the last bit.
void ExpectRowsAlone(const std::function<Tensor(int64_t first, int64_t rows)>& run, int64_t rows) {
  Tensor all = run(0, rows);
  for (int64_t n : {1, 2, 5}) {
    for (int64_t first = 0; first + n <= rows; ++first) {
      EXPECT_EQ(run(first, n).data, RowsOf(all, first, n).data) << n << " from " << first;
    }
  }
}

TEST(DecoderOps, GatesAreTheirFormulas) {
  Rng rng(11);
  for (int64_t f : {7, 96, 1500}) {
    Tensor gate = Random(9, f, rng, 3), up = Random(9, f, rng);
    Tensor silu = GatedSilu(gate, up), gelu = GatedGeluTanh(gate, up);
    for (size_t i = 0; i < gate.data.size(); ++i) {
      double g = gate.data[i], u = up.data[i];
      EXPECT_NEAR(silu.data[i], g / (1 + std::exp(-g)) * u, 1e-5);
      double t = std::tanh(std::sqrt(2 / M_PI) * (g + 0.044715 * g * g * g));
      EXPECT_NEAR(gelu.data[i], 0.5 * g * (1 + t) * u, 1e-5);
    }

    ExpectRowsAlone(
        [&](int64_t b, int64_t n) { return GatedSilu(RowsOf(gate, b, n), RowsOf(up, b, n)); }, 9);
    ExpectRowsAlone(
        [&](int64_t b, int64_t n) { return GatedGeluTanh(RowsOf(gate, b, n), RowsOf(up, b, n)); },
        9);
  }
}

TEST(DecoderOps, NormsTakeRunsOfChannels) {
  Rng rng(12);
  for (int64_t c : {5, 64}) {
    Tensor x = Random(20, 3 * c, rng);
    std::vector<float> weight = Normal(c, rng), bias = Normal(c, rng);
    Tensor rms = RmsNormalise(x, weight, 1e-5f), layer = LayerNormalise(x, weight, bias, 1e-5f);
    for (int64_t run = 0; run < 60; ++run) {
      const float* p = &x.data[static_cast<size_t>(run * c)];
      double mean = 0, square = 0;
      for (int64_t i = 0; i < c; ++i) mean += p[i], square += static_cast<double>(p[i]) * p[i];
      mean /= static_cast<double>(c), square /= static_cast<double>(c);
      for (int64_t i = 0; i < c; ++i) {
        auto at = static_cast<size_t>(run * c + i), k = static_cast<size_t>(i);
        EXPECT_NEAR(rms.data[at], p[i] / std::sqrt(square + 1e-5) * weight[k], 1e-5);
        double want = (p[i] - mean) / std::sqrt(square - mean * mean + 1e-5);
        EXPECT_NEAR(layer.data[at], want * weight[k] + bias[k], 1e-4);
      }
    }
    ExpectRowsAlone(
        [&](int64_t b, int64_t n) { return RmsNormalise(RowsOf(x, b, n), weight, 1e-5f); }, 20);
    ExpectRowsAlone(
        [&](int64_t b, int64_t n) { return LayerNormalise(RowsOf(x, b, n), weight, bias, 1e-5f); },
        20);
  }
}

TEST(DecoderOps, RotationTurnsPairs) {
  Rng rng(13);
  constexpr int64_t kRows = 19, kHeads = 3, kD = 10;
  Tensor x = Random(kRows, kHeads * kD, rng), turns = Random(kRows, kD / 2, rng, 9);
  RowAngles angles{turns, turns};
  for (float& v : angles.cosine.data) v = std::cos(v);
  for (float& v : angles.sine.data) v = std::sin(v);
  Tensor y = x;
  RotateRows(&y, kHeads, angles);
  for (int64_t t = 0; t < kRows; ++t) {
    for (int64_t h = 0; h < kHeads; ++h) {
      const float *p = x.row(t) + h * kD, *q = y.row(t) + h * kD;
      for (int64_t i = 0; i < kD / 2; ++i) {
        double a = turns.row(t)[i];
        EXPECT_NEAR(q[i], p[i] * std::cos(a) - p[i + kD / 2] * std::sin(a), 1e-5);
        EXPECT_NEAR(q[i + kD / 2], p[i + kD / 2] * std::cos(a) + p[i] * std::sin(a), 1e-5);
      }
    }
  }
  ExpectRowsAlone(
      [&](int64_t b, int64_t n) {
        Tensor part = RowsOf(x, b, n);
        RotateRows(&part, kHeads, {RowsOf(angles.cosine, b, n), RowsOf(angles.sine, b, n)});
        return part;
      },
      kRows);
}

TEST(DecoderOps, RowsAreCopiedAndAdded) {
  Rng rng(14);
  Linear table{Random(30, 6, rng), {}};
  Tensor e = EmbedRows(table, {4, 29, 4}, 2.5f);
  for (int64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(e.row(0)[i], table.w.row(4)[i] * 2.5f);
    EXPECT_EQ(e.row(1)[i], table.w.row(29)[i] * 2.5f);
  }
  Tensor a = Random(2, 6, rng), b = Random(3, 6, rng), all = ConcatRows({a, b});
  EXPECT_EQ(RowsOf(all, 0, 2).data, a.data);
  EXPECT_EQ(RowsOf(all, 2, 3).data, b.data);
  Tensor picked = GatherRows(all, {4, 0});
  EXPECT_EQ(RowsOf(picked, 0, 1).data, RowsOf(b, 2, 1).data);
  EXPECT_EQ(RowsOf(picked, 1, 1).data, RowsOf(a, 0, 1).data);
  Tensor sum = all;
  AddRows(&sum, 1, b);
  for (int64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(sum.row(0)[i], all.row(0)[i]);
    EXPECT_EQ(sum.row(3)[i], all.row(3)[i] + b.row(2)[i]);
    EXPECT_EQ(sum.row(4)[i], all.row(4)[i]);
  }
  Tensor capped = all;
  CapInPlace(&capped, 1.5f);
  for (size_t i = 0; i < all.data.size(); ++i)
    EXPECT_NEAR(capped.data[i], 1.5 * std::tanh(all.data[i] / 1.5), 1e-5);
}

}  // namespace
}  // namespace sightline
