#include "compute/cpu/attention_tiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/compute/random.h"
#include "tests/compute/simd_targets.h"

namespace sightline {
namespace {

// Queries, keys and values of one call; more keys than one block of the kernel holds.
struct Call {
  int64_t t, s, g, h, d;
  std::vector<float> q, k, v;
  const float *k_page, *v_page;

  explicit Call(Rng& rng) {
    t = Between(1, 70, rng), s = t + Between(0, 200, rng), g = Between(1, 3, rng);
    h = g * Between(1, 4, rng),
    d = Between(0, 1, rng) ? 16 * Between(1, 8, rng) : Between(1, 100, rng);
    q = Normal(t * h * d, rng), k = Normal(s * g * d, rng), v = Normal(s * g * d, rng);
    k_page = k.data(), v_page = v.data();
  }
  AttentionArgs Args(const BlockList* lists, std::vector<float>* out) const {
    out->assign(static_cast<size_t>(t * h * d), 0.0f);
    AttentionArgs a;
    a.q = q.data(), a.q_stride = h * d, a.rows = t, a.heads = h, a.kv_heads = g, a.d = d;
    a.k = {&k_page, static_cast<int32_t>(s), g * d};
    a.v = {&v_page, static_cast<int32_t>(s), g * d};
    a.scale = 2 / std::sqrt(static_cast<float>(d));
    a.lists = lists, a.out = out->data();
    return a;
  }
  int32_t rows() const { return static_cast<int32_t>(t); }
  int32_t before() const { return static_cast<int32_t>(s - t); }
};

// Runs in mixed order, as routed regions give them.
BlockList RunsOf(const Call& c, Rng& rng) {
  BlockList list;
  for (int32_t q = 0, n; q < c.t; q += n) {
    n = static_cast<int32_t>(std::min<int64_t>(Between(1, 24, rng), c.t - q));
    list.Query(q, n);
    std::vector<int32_t> starts;
    for (int32_t r = 0; r + 9 <= c.s; r += 11) starts.push_back(r);
    std::shuffle(starts.begin(), starts.end(), rng);
    starts.resize(starts.size() / 2 + 1);
    for (int32_t r : starts) list.Key(r, std::min(9, static_cast<int32_t>(c.s) - r));
    list.EndTile();
  }
  return list;
}

class AttentionTilesTest : public SimdTargetTest {};
INSTANTIATE_TEST_SUITE_P(All, AttentionTilesTest, testing::ValuesIn(SimdTargets()), SimdTargetName);

TEST_P(AttentionTilesTest, EqualsTheReference) {
  Rng rng(11);
  for (int trial = 0; trial < 60; ++trial) {
    SCOPED_TRACE(trial);
    Call c(rng);
    BlockList lists[] = {RunsOf(c, rng), DenseList(c.rows(), static_cast<int32_t>(c.s), 7),
                         CausalList(c.rows(), c.before(), 33)};
    for (const BlockList& list : lists) {
      std::vector<float> got, want;
      Attend(c.Args(&list, &got));
      AttendReference(c.Args(&list, &want));
      for (size_t i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got[i], want[i], 1e-5 * std::max(1.0f, std::fabs(want[i]))) << i;
      }
    }
  }
}

// Large logits: the sums so far shrink to nothing and grow again as blocks go by.
TEST_P(AttentionTilesTest, LargeLogitsStayFinite) {
  Rng rng(12);
  for (int trial = 0; trial < 30; ++trial) {
    Call c(rng);
    BlockList list = DenseList(c.rows(), static_cast<int32_t>(c.s));
    std::vector<float> got, want;
    AttentionArgs a = c.Args(&list, &got);
    a.scale = 60;
    Attend(a);
    a.out = (want = got).data();
    AttendReference(a);
    for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], want[i], 2e-2) << i;
  }
}

TEST_P(AttentionTilesTest, ARowOfACausalListDoesNotKnowItsTile) {
  Rng rng(13);
  for (int trial = 0; trial < 20; ++trial) {
    Call c(rng);
    std::vector<float> whole, other;
    BlockList list = CausalList(c.rows(), c.before());
    Attend(c.Args(&list, &whole));
    for (int32_t tile : {1, 2, 5, 16}) {
      BlockList parts = CausalList(c.rows(), c.before(), tile);
      Attend(c.Args(&parts, &other));
      ASSERT_EQ(whole, other) << tile;
    }
  }
}

}  // namespace
}  // namespace sightline
