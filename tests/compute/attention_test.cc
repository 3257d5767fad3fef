#include "compute/attention/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "tests/compute/random.h"

namespace sightline {
namespace {

// Random tensors of one call, keys and values both contiguous and in pages that lie in mixed order.
struct Case {
  int64_t t, s, g, h, d, page_rows;
  std::vector<float> q, k, v, out;
  std::vector<std::vector<float>> k_store, v_store;
  std::vector<const float*> k_pages, v_pages;
  const float *k_one, *v_one;

  Case(Rng& rng, bool paged) {
    t = Between(1, 20, rng), s = t + Between(0, 90, rng), g = Between(1, 3, rng);
    h = g * Between(1, 4, rng), d = Between(1, 40, rng), page_rows = Between(1, 16, rng);
    q = Normal(t * h * d, rng), k = Normal(s * g * d, rng), v = Normal(s * g * d, rng);
    out.assign(static_cast<size_t>(t * h * d), 0.0f);
    k_one = k.data(), v_one = v.data();
    if (!paged) return;
    auto split = [&](const std::vector<float>& from, auto* store, auto* pages) {
      int64_t row = g * d;
      for (int64_t first = 0; first < s; first += page_rows) {
        std::vector<float> page(static_cast<size_t>(page_rows * row), NAN);
        int64_t n = std::min(page_rows, s - first) * row;
        std::copy_n(from.data() + first * row, n, page.data());
        store->push_back(std::move(page));
      }
      for (const auto& page : *store) pages->push_back(page.data());
    };
    split(k, &k_store, &k_pages);
    split(v, &v_store, &v_pages);
  }
  AttentionArgs Args(const BlockList* lists) {
    AttentionArgs a;
    a.q = q.data(), a.q_stride = h * d, a.rows = t, a.heads = h, a.kv_heads = g, a.d = d;
    bool paged = !k_pages.empty();
    auto rows = static_cast<int32_t>(paged ? page_rows : s);
    a.k = {paged ? k_pages.data() : &k_one, rows, g * d};
    a.v = {paged ? v_pages.data() : &v_one, rows, g * d};
    a.scale = 1 / std::sqrt(static_cast<float>(d));
    a.lists = lists, a.out = out.data();
    return a;
  }
};

BlockList RandomList(const Case& c, Rng& rng) {
  BlockList list;
  const bool by_head = Between(0, 1, rng) == 1;
  for (int32_t q = 0; q < c.t;) {
    auto n = static_cast<int32_t>(std::min<int64_t>(Between(1, 5, rng), c.t - q));
    for (int32_t head = 0; head < (by_head ? c.g : 1); ++head) {
      list.Query(q, n);
      for (int32_t r = 0; r < c.s; ++r) {
        if (Between(0, 2, rng)) list.Key(r);
      }
      by_head ? list.EndTile({head, 1}) : list.EndTile();
    }
    q += n;
  }
  if (Between(0, 1, rng)) {
    list.causal = true;
    list.query_offset = static_cast<int32_t>(c.s - c.t);
  }
  return list;
}

EditPlan RandomPlan(const Case& c, Rng& rng) {
  EditPlan e;
  e.classes = static_cast<int>(Between(1, 4, rng));
  for (int64_t i = 0; i < c.s; ++i) {
    e.key_class.push_back(static_cast<uint8_t>(Between(0, e.classes - 1, rng)));
  }
  if (Between(0, 1, rng)) e.bias = Normal(c.h * e.classes, rng);
  if (Between(0, 1, rng)) e.gain = Normal(c.h * e.classes, rng);
  if (Between(0, 1, rng)) e.rescale = Normal(c.h * e.classes, rng);
  if (Between(0, 1, rng)) e.head_gain = Normal(c.h, rng);
  return e;
}

void ExpectNear(const std::vector<float>& a, const std::vector<float>& b, double bound) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_NEAR(a[i], b[i], bound * std::max(1.0, std::fabs(static_cast<double>(b[i])))) << i;
  }
}

TEST(AttendTest, EqualsTheReferenceWithAndWithoutEdits) {
  Rng rng(1);
  for (int trial = 0; trial < 200; ++trial) {
    SCOPED_TRACE(trial);
    Case c(rng, trial % 2);
    BlockList list = RandomList(c, rng);
    EditPlan plan = RandomPlan(c, rng);
    ScoreTap tap, tap_reference;
    AttentionArgs a = c.Args(&list);
    if (trial % 3) a.edit = &plan, a.tap = &tap;
    Attend(a);
    std::vector<float> got = c.out;
    if (a.tap) a.tap = &tap_reference;
    AttendReference(a);
    ExpectNear(got, c.out, 3e-5);
    ExpectNear(tap.mass, tap_reference.mass, 1e-5);
  }
}

TEST(AttendTest, ANeutralPlanChangesNoBit) {
  Rng rng(2);
  for (int trial = 0; trial < 50; ++trial) {
    Case c(rng, trial % 2);
    BlockList list = RandomList(c, rng);
    AttentionArgs a = c.Args(&list);
    Attend(a);
    std::vector<float> plain = c.out;
    EditPlan plan = RandomPlan(c, rng);
    auto n = static_cast<size_t>(c.h * plan.classes);
    plan.gain.assign(n, 1.0f), plan.rescale.assign(n, 1.0f), plan.bias.assign(n, 0.0f);
    plan.head_gain.assign(static_cast<size_t>(c.h), 1.0f);
    ScoreTap tap;
    a.edit = &plan, a.tap = &tap;
    Attend(a);
    EXPECT_EQ(plain, c.out);
    EditPlan empty;
    a.edit = &empty, a.tap = nullptr;
    Attend(a);
    EXPECT_EQ(plain, c.out);
  }
}

TEST(AttendTest, PagesEqualContiguousRowsBitForBit) {
  Rng rng(3);
  for (int trial = 0; trial < 50; ++trial) {
    Case c(rng, true);
    BlockList list = RandomList(c, rng);
    Attend(c.Args(&list));
    std::vector<float> paged = c.out;
    c.k_pages.clear();
    Attend(c.Args(&list));
    EXPECT_EQ(paged, c.out);
  }
}

TEST(AttendTest, OneRowAtATimeEqualsAllRowsAtOnce) {
  Rng rng(4);
  Case c(rng, true);
  auto offset = static_cast<int32_t>(c.s - c.t);
  BlockList all = CausalList(static_cast<int32_t>(c.t), offset);
  Attend(c.Args(&all));
  std::vector<float> whole = c.out;
  for (int32_t i = 0; i < c.t; ++i) {
    BlockList one = CausalList(1, offset + i);
    AttentionArgs a = c.Args(&one);
    a.q += i * a.q_stride, a.out += i * c.h * c.d, a.rows = 1;
    Attend(a);
  }
  EXPECT_EQ(whole, c.out);
}

TEST(AttendTest, MassesOfARowSumToOne) {
  Rng rng(5);
  Case c(rng, false);
  BlockList list = DenseList(static_cast<int32_t>(c.t), static_cast<int32_t>(c.s));
  EditPlan plan = RandomPlan(c, rng);
  plan.rescale = Normal(c.h * plan.classes, rng);  // masses are read before rescaling
  ScoreTap tap;
  AttentionArgs a = c.Args(&list);
  a.edit = &plan, a.tap = &tap;
  Attend(a);
  auto classes = static_cast<size_t>(plan.classes);
  for (size_t row = 0; row < static_cast<size_t>(c.t * c.h); ++row) {
    double sum = 0;
    for (size_t i = 0; i < classes; ++i) sum += tap.mass[row * classes + i];
    EXPECT_NEAR(sum, 1, 1e-5);
  }
}

TEST(AttendTest, NoKeysGiveZerosAndRowsInNoTileAreLeftAlone) {
  Rng rng(6);
  Case c(rng, false);
  std::fill(c.out.begin(), c.out.end(), 7.0f);
  BlockList list;
  list.Query(0);
  list.EndTile();
  Attend(c.Args(&list));
  for (size_t i = 0; i < c.out.size(); ++i) {
    EXPECT_EQ(c.out[i], i < static_cast<size_t>(c.h * c.d) ? 0.0f : 7.0f);
  }
}

TEST(BlockListTest, SetAlgebra) {
  Rng rng(7);
  for (int trial = 0; trial < 100; ++trial) {
    BlockList a, b;
    std::vector<std::set<int32_t>> in_a, in_b;
    for (int32_t tile = 0; tile < 4; ++tile) {
      for (auto [list, sets] : {std::pair{&a, &in_a}, std::pair{&b, &in_b}}) {
        sets->emplace_back();
        list->Query(tile * 2, 2);
        for (int32_t r = 0; r < 40; ++r) {
          if (Between(0, 1, rng)) list->Key(r), sets->back().insert(r);
        }
        list->EndTile();
      }
    }
    b.causal = true, b.query_offset = 3;
    BlockList both = Intersect(a, b), either = Union(a, b);
    EXPECT_TRUE(both.causal && either.causal);
    EXPECT_EQ(both.query_offset, 3);
    for (int tile = 0; tile < 4; ++tile) {
      const auto &x = in_a[static_cast<size_t>(tile)], &y = in_b[static_cast<size_t>(tile)];
      std::vector<int32_t> meet, join;
      for (int32_t r = 0; r < 40; ++r) {
        if (x.count(r) && y.count(r)) meet.push_back(r);
        if (x.count(r) || y.count(r)) join.push_back(r);
      }
      EXPECT_EQ(both.KeysOf(tile), meet);
      EXPECT_EQ(either.KeysOf(tile), join);
      EXPECT_EQ(Union(a, a).KeysOf(tile), a.KeysOf(tile));
      EXPECT_EQ(Intersect(a, either).KeysOf(tile), a.KeysOf(tile));
      EXPECT_EQ(both.QueriesOf(tile), (std::vector<int32_t>{tile * 2, tile * 2 + 1}));
    }
  }
}

TEST(BlockListTest, NeighbouringKeysMakeOneRunWithinATileOnly) {
  BlockList l;
  l.Query(0);
  l.Key(3), l.Key(4, 2), l.Key(8);
  l.EndTile();
  l.Query(1);
  l.Key(9);
  l.EndTile();
  EXPECT_EQ(l.keys, (std::vector<RowRun>{{3, 3}, {8, 1}, {9, 1}}));
  EXPECT_EQ(l.KeysOf(0), (std::vector<int32_t>{3, 4, 5, 8}));
  EXPECT_EQ(l.KeysOf(1), (std::vector<int32_t>{9}));
}

TEST(BlockListTest, CausalTilesListNoKeyAfterTheirLastQuery) {
  BlockList l = CausalList(37, 11, 16);
  ASSERT_EQ(l.tiles(), 3);
  EXPECT_EQ(l.KeysOf(0).size(), 27u);
  EXPECT_EQ(l.KeysOf(2).size(), 48u);
  EXPECT_EQ(DenseList(5, 9, 2).tiles(), 3);
}

}  // namespace
}  // namespace sightline
