// Attention of a step over pages: against plain loops, and each row the same to the last bit
// however the rows come in steps.
#include "compute/ops/paged_attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "compute/ops/decoder_ops.h"
#include "compute/weights/block_format.h"
#include "tests/compute/random.h"

namespace sightline {
namespace {

constexpr int64_t kLayers = 3, kLayer = 1;

struct Rows {
  Tensor q, k, v;
};

Rows RandomRows(int64_t n, const PagedAttentionSpec& s, Rng& rng) {
  Rows r{Tensor({n, s.heads * s.d}), Tensor({n, s.kv_heads * s.d}), Tensor({n, s.kv_heads * s.d})};
  for (Tensor* t : {&r.q, &r.k, &r.v}) t->data = Normal(static_cast<int64_t>(t->data.size()), rng);
  return r;
}

Tensor Step(const Rows& all, const std::vector<SequenceRows>& sequences,
            const PagedAttentionSpec& s) {
  AppendRows(all.k, all.v, sequences, kLayer);
  return PagedAttention(all.q, sequences, s);
}

// Row t of one sequence from its own rows 0..t, in double precision.
std::vector<double> Weights(const Rows& r, int64_t t, int64_t h, const PagedAttentionSpec& s) {
  int64_t g = h / (s.heads / s.kv_heads),
          first = s.window > 0 ? std::max<int64_t>(0, t + 1 - s.window) : 0;
  std::vector<double> p(static_cast<size_t>(t + 1));
  double top = -1e300, sum = 0;
  for (int64_t j = first; j <= t; ++j) {
    double dot = 0;
    for (int64_t i = 0; i < s.d; ++i)
      dot += static_cast<double>(r.q.row(t)[h * s.d + i]) * r.k.row(j)[g * s.d + i];
    p[static_cast<size_t>(j)] = dot * s.scale;
    top = std::max(top, dot * s.scale);
  }
  for (int64_t j = first; j <= t; ++j)
    sum += p[static_cast<size_t>(j)] = std::exp(p[static_cast<size_t>(j)] - top);
  for (double& x : p) x /= sum;
  return p;
}

void ExpectNear(const Rows& r, const Tensor& got, const PagedAttentionSpec& s) {
  for (int64_t t = 0; t < r.q.rows(); ++t) {
    for (int64_t h = 0; h < s.heads; ++h) {
      std::vector<double> p = Weights(r, t, h, s);
      int64_t g = h / (s.heads / s.kv_heads);
      for (int64_t i = 0; i < s.d; ++i) {
        double want = 0;
        for (int64_t j = 0; j <= t; ++j)
          want += p[static_cast<size_t>(j)] * r.v.row(j)[g * s.d + i];
        ASSERT_NEAR(got.row(t)[h * s.d + i], want, 2e-5) << t << " " << h << " " << i;
      }
    }
  }
}

// What half pages keep of the rows, so that plain loops read the same numbers.
void Round(Tensor* t) {
  for (float& x : t->data) x = FromHalf(ToHalf(std::clamp(x, -65504.0f, 65504.0f)));
}

struct Kind {
  PagedAttentionSpec spec;
  KvFormat kv = KvFormat::kF32;
};

class PagedAttentionKinds : public testing::TestWithParam<Kind> {
 protected:
  PagedAttentionKinds()
      : pool_(2 * kLayers * kPageRows * GetParam().spec.kv_heads * GetParam().spec.d,
              int64_t{1} << 28, {}, GetParam().kv) {}
  // For plain loops.
  Rows Stored(Rows rows) const {
    if (GetParam().kv == KvFormat::kF16) {
      Round(&rows.k);
      Round(&rows.v);
    }
    return rows;
  }
  PagePool pool_;
};

// Several sequences, each cut into chunks of random length that meet in steps of random company.
TEST_P(PagedAttentionKinds, ARowDoesNotDependOnItsStep) {
  PagedAttentionSpec s = GetParam().spec;
  s.layer = kLayer;
  Rng rng(21);
  constexpr int kSequences = 4;
  std::vector<Rows> rows;
  std::vector<Tensor> want, got;
  std::vector<std::unique_ptr<PageTable>> tables;
  for (int i = 0; i < kSequences; ++i) {
    int64_t n = Between(100, 420, rng);
    rows.push_back(RandomRows(n, s, rng));
    PageTable alone(&pool_, 2 * kLayers);
    ASSERT_TRUE(alone.Reserve(static_cast<int32_t>(n)).ok());
    want.push_back(Step(rows.back(), {{0, n, 0, &alone}}, s));
    ExpectNear(Stored(rows.back()), want.back(), s);
    got.push_back(Tensor(want.back().shape));
    tables.push_back(std::make_unique<PageTable>(&pool_, 2 * kLayers));
    ASSERT_TRUE(tables.back()->Reserve(static_cast<int32_t>(n)).ok());
  }
  std::vector<int64_t> done(kSequences, 0);
  for (;;) {
    std::vector<SequenceRows> step;
    std::vector<Tensor> q, k, v;
    std::vector<size_t> who;
    int64_t first = 0;
    for (size_t i = 0; i < kSequences; ++i) {
      int64_t left = rows[i].q.rows() - done[i],
              n = std::min(left, Between(0, 3, rng) == 0 ? Between(1, 70, rng) : 1);
      if (n == 0) continue;
      step.push_back({first, n, static_cast<int32_t>(done[i]), tables[i].get()});
      q.push_back(RowsOf(rows[i].q, done[i], n));
      k.push_back(RowsOf(rows[i].k, done[i], n));
      v.push_back(RowsOf(rows[i].v, done[i], n));
      who.push_back(i);
      first += n;
    }
    if (step.empty()) break;
    Tensor out = Step({ConcatRows(q), ConcatRows(k), ConcatRows(v)}, step, s);
    for (size_t j = 0; j < who.size(); ++j) {
      std::copy_n(out.row(step[j].first), step[j].rows * out.cols(), got[who[j]].row(done[who[j]]));
      done[who[j]] += step[j].rows;
    }
  }
  for (size_t i = 0; i < kSequences; ++i) EXPECT_EQ(got[i].data, want[i].data) << i;
}

TEST_P(PagedAttentionKinds, LastRowWeightsAreThoseOfTheLastRow) {
  PagedAttentionSpec s = GetParam().spec;
  s.layer = kLayer;
  Rng rng(22);
  Rows rows = RandomRows(300, s, rng), stored = Stored(rows);
  PageTable pages(&pool_, 2 * kLayers);
  ASSERT_TRUE(pages.Reserve(300).ok());
  AppendRows(rows.k, rows.v, {{0, 300, 0, &pages}}, kLayer);
  Tensor got = LastRowWeights(RowsOf(rows.q, 290, 10), {0, 10, 290, &pages}, s);
  for (int64_t h = 0; h < s.heads; ++h) {
    std::vector<double> want = Weights(stored, 299, h, s);
    for (int64_t j = 0; j < 300; ++j)
      ASSERT_NEAR(got.row(h)[j], want[static_cast<size_t>(j)], 1e-5);
  }
}

std::vector<Kind> Kinds() {
  std::vector<Kind> kinds;
  for (KvFormat kv : {KvFormat::kF32, KvFormat::kF16}) {
    for (const PagedAttentionSpec& s :
         {PagedAttentionSpec{0, 4, 4, 32, 0.2f, 0}, PagedAttentionSpec{0, 6, 2, 64, 0.125f, 0},
          PagedAttentionSpec{0, 7, 1, 16, 0.3f, 0}, PagedAttentionSpec{0, 6, 2, 32, 0.2f, 37},
          PagedAttentionSpec{0, 4, 2, 16, 0.25f, 130}, PagedAttentionSpec{0, 4, 2, 24, 0.2f, 0},
          PagedAttentionSpec{0, 4, 2, 8, 0.3f, 50}}) {
      kinds.push_back({s, kv});
    }
  }
  return kinds;
}
INSTANTIATE_TEST_SUITE_P(Kinds, PagedAttentionKinds, testing::ValuesIn(Kinds()));

// What half precision can't hold is its largest number, not infinity; what is no number stays none.
TEST(HalfPages, Saturate) {
  PagedAttentionSpec s{0, 1, 1, 16, 0.01f, 0};
  PagePool pool(2 * kPageRows * 16, int64_t{1} << 20, {}, KvFormat::kF16);
  PageTable pages(&pool, 2);
  ASSERT_TRUE(pages.Reserve(1).ok());
  Tensor q({1, 16}), k({1, 16}), v({1, 16});
  const float far[] = {1e6f, -1e6f, INFINITY, -INFINITY, 65519.0f, 65520.0f, 3e-8f, NAN};
  for (int64_t i = 0; i < 16; ++i) v.row(0)[i] = far[i % 8];
  k.data = v.data;
  k.row(0)[7] = k.row(0)[15] = 1;
  q.row(0)[0] = 1;
  AppendRows(k, v, {{0, 1, 0, &pages}}, 0);
  Tensor out = PagedAttention(q, {{0, 1, 0, &pages}}, s);
  const float want[] = {65504, -65504, 65504, -65504, 65504, 65504, 5.9604645e-8f};
  for (int64_t i = 0; i < 16; ++i) {
    if (i % 8 == 7) {
      EXPECT_TRUE(std::isnan(out.row(0)[i]));
    } else {
      EXPECT_EQ(out.row(0)[i], want[i % 8]) << i;
    }
  }
}

}  // namespace
}  // namespace sightline
