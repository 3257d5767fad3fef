#include "compute/attention/pair_bias.h"

#include <gtest/gtest.h>

#include <cmath>

#include "compute/attention/attend_packed.h"
#include "tests/compute/random.h"

namespace sightline {
namespace {

// One packed call with lists and a table of biases, run both ways.
struct Case {
  int64_t rows, heads, d, entries;
  Tensor qkv, table;
  BlockList lists;
  BiasPlaces places;

  explicit Case(Rng& rng) {
    rows = Between(2, 40, rng), heads = Between(1, 4, rng), d = Between(1, 20, rng);
    qkv = Tensor({rows, 3 * heads * d});
    qkv.data = Normal(rows * 3 * heads * d, rng);
    entries = Between(1, 30, rng);
    table = Tensor({heads, entries});
    table.data = Normal(heads * entries, rng);
    for (int32_t q = 0; q < rows; q += 3) {
      lists.Query(q, static_cast<int32_t>(std::min<int64_t>(3, rows - q)));
      for (int32_t r = 0; r < rows; ++r) {
        if (Between(0, 2, rng) || r == q) lists.Key(r);
      }
      lists.EndTile();
    }
    for (int64_t i = 0; i < rows; ++i) {
      auto at = static_cast<int32_t>(Between(0, entries - 1, rng));
      auto none = [&](int32_t place) { return Between(0, 3, rng) ? place : BiasPlaces::kNone; };
      places.query.push_back(none(at / 2));
      places.key.push_back(none(at - at / 2 > entries - at ? 0 : at - at / 2));
    }
    int32_t most = static_cast<int32_t>(entries) - 1;
    for (int32_t& p : places.query) p = std::min(p, most / 2);
    for (int32_t& p : places.key) p = std::min(p, most - most / 2);
  }
  AttentionArgs Args(bool biased, std::vector<float>* out) const {
    out->assign(static_cast<size_t>(rows * heads * d), 0.0f);
    k = qkv.data.data() + heads * d, v = k + heads * d;
    AttentionArgs a;
    a.q = qkv.data.data(), a.q_stride = 3 * heads * d, a.rows = rows;
    a.heads = a.kv_heads = heads, a.d = d, a.scale = 0.3f, a.lists = &lists;
    a.k = {&k, static_cast<int32_t>(rows), a.q_stride};
    a.v = {&v, static_cast<int32_t>(rows), a.q_stride};
    if (biased) a.bias = {&places, table.data.data(), entries};
    a.out = out->data();
    return a;
  }
  mutable const float *k = nullptr, *v = nullptr;
};

TEST(PairBiasTest, BothKernelsAgree) {
  Rng rng(1);
  for (int trial = 0; trial < 200; ++trial) {
    SCOPED_TRACE(trial);
    Case c(rng);
    std::vector<float> got, want, plain;
    Attend(c.Args(true, &got));
    AttendReference(c.Args(true, &want));
    Attend(c.Args(false, &plain));
    for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], 3e-5) << i;
    EXPECT_EQ(AttendPacked(c.qkv, c.heads, 0.3f, c.lists, {&c.table, &c.places}).data, got);
    EXPECT_EQ(AttendPacked(c.qkv, c.heads, 0.3f, c.lists).data, plain);
  }
}

TEST(PairBiasTest, NoPlacesAndZeroTablesChangeNoBit) {
  Rng rng(2);
  for (int trial = 0; trial < 50; ++trial) {
    Case c(rng);
    std::vector<float> plain, other;
    Attend(c.Args(false, &plain));
    c.table = Tensor(c.table.shape);
    Attend(c.Args(true, &other));
    EXPECT_EQ(plain, other);
    c.table.data = Normal(c.heads * c.entries, rng);
    c.places.query.assign(c.places.query.size(), BiasPlaces::kNone);
    Attend(c.Args(true, &other));
    EXPECT_EQ(plain, other);
  }
}

// By the definition: a table of offsets over a small grid, all pairs.
TEST(PairBiasTest, SumsOfPlacesAreOffsets) {
  constexpr int32_t kSide = 3, kSpan = 2 * kSide - 1;
  Rng rng(3);
  BiasPlaces p;
  for (int32_t i = 0; i < kSide * kSide; ++i) {
    p.key.push_back(i / kSide * kSpan + i % kSide);
    p.query.push_back((kSide - 1 - i / kSide) * kSpan + kSide - 1 - i % kSide);
  }
  PairBias bias{&p, nullptr, kSpan * kSpan};
  for (int32_t q = 0; q < kSide * kSide; ++q) {
    for (int32_t k = 0; k < kSide * kSide; ++k) {
      int32_t dy = k / kSide - q / kSide, dx = k % kSide - q % kSide;
      EXPECT_EQ(bias.At(q, k), (dy + kSide - 1) * kSpan + dx + kSide - 1);
    }
  }
}

}  // namespace
}  // namespace sightline
