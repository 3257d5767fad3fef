// Lists, edits and taps of single sequences through attention over pages: against plain loops in
// double precision, and neutral ones the same to the last bit as none.
#include "compute/attention/attention_settings.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "compute/ops/decoder_ops.h"
#include "compute/ops/paged_attention.h"
#include "compute/weights/block_format.h"
#include "tests/compute/random.h"

namespace sightline {
namespace {

constexpr int64_t kLayers = 2;

size_t At(int64_t i) { return static_cast<size_t>(i); }

// What one sequence asks for; `sees` says it once more, for the plain loops.
struct Ask {
  BlockList lists;
  EditPlan edit;
  ScoreTap tap;
  bool listed = false, edited = false, tapped = false;
  std::vector<std::vector<int32_t>> sees;  // [T * G], keys of each row under each KV head

  AttentionSettings settings() {
    return {listed ? &lists : nullptr, edited ? &edit : nullptr, tapped ? &tap : nullptr};
  }
};

// A sequence of random rows, its first `length` ones stored before the step.
struct Story {
  Tensor q, k, v;  // [S, ...]
  int32_t length = 0;
  std::unique_ptr<PageTable> pages;
  Ask ask;

  int64_t keys() const { return q.rows(); }
  int64_t rows() const { return keys() - length; }
};

struct Kind {
  PagedAttentionSpec spec;
  KvFormat kv = KvFormat::kF32;
};

class SettingsKinds : public testing::TestWithParam<Kind> {
 protected:
  SettingsKinds() : rng_(seed_) {
    s_.layer = 1;
    RecordProperty("seed", std::to_string(seed_));
  }

  Story RandomStory() {
    auto n = static_cast<int32_t>(Between(1, 200, rng_));
    Story story{Random(n, s_.heads),
                Random(n, s_.kv_heads),
                Random(n, s_.kv_heads),
                static_cast<int32_t>(Between(0, 2, rng_) ? Between(0, n - 1, rng_) : n - 1),
                std::make_unique<PageTable>(&pool_, 2 * kLayers),
                {}};
    EXPECT_TRUE(story.pages->Reserve(n).ok());
    AppendRows(story.k, story.v, {{0, n, 0, story.pages.get()}}, s_.layer);
    if (GetParam().kv == KvFormat::kF16) {  // what the pages keep
      for (Tensor* t : {&story.k, &story.v})
        for (float& x : t->data) x = FromHalf(ToHalf(x));
    }
    for (int32_t at = 0; at < story.rows() * s_.kv_heads; ++at) {
      int32_t end = story.length + at / static_cast<int32_t>(s_.kv_heads) + 1;
      story.ask.sees.emplace_back();
      for (int32_t j = s_.window > 0 ? std::max(0, end - s_.window) : 0; j < end; ++j)
        story.ask.sees.back().push_back(j);
    }
    return story;
  }
  Tensor Random(int64_t n, int64_t heads) {
    Tensor t({n, heads * s_.d});
    t.data = Normal(n * heads * s_.d, rng_);
    return t;
  }
  bool Coin() { return Between(0, 1, rng_) == 1; }

  // Tiles of a few rows each with random keys; some rows are in no tile, some have no key.
  void AddList(Story* story) {
    Ask& ask = story->ask;
    ask.listed = true;
    ask.lists.causal = Coin();
    const bool by_head = s_.kv_heads > 1 && Coin();
    ask.lists.query_offset = story->length;
    auto rows = static_cast<int32_t>(story->rows()), keys = static_cast<int32_t>(story->keys());
    for (int32_t first = 0, n = 0; first < rows; first += n) {
      n = std::min(rows - first, static_cast<int32_t>(Between(1, 5, rng_)));
      bool left_out = Between(0, 6, rng_) == 0;
      auto g = static_cast<int32_t>(s_.kv_heads);
      for (int32_t at = first * g; at < (first + n) * g; ++at) ask.sees[At(at)].clear();
      if (left_out) continue;
      if (!by_head) AddTile(story, {first, n}, keys, {0, g}, false);
      for (int32_t h = 0, m = 0; by_head && h < g; h += m) {
        m = static_cast<int32_t>(Between(1, g - h, rng_));
        if (Between(0, 5, rng_)) AddTile(story, {first, n}, keys, {h, m}, true);
      }
    }
  }
  void AddTile(Story* story, RowRun rows, int32_t keys, HeadRun heads, bool by_head) {
    Ask& ask = story->ask;
    ask.lists.Query(rows.first, rows.count);
    for (int32_t key = 0; key < keys; ++key) {
      if (Coin()) continue;
      ask.lists.Key(key);
      for (int32_t t = rows.first; t < rows.first + rows.count; ++t) {
        if (ask.lists.causal && key > story->length + t) continue;
        for (int32_t h = heads.first; h < heads.first + heads.count; ++h)
          ask.sees[At(t * s_.kv_heads + h)].push_back(key);
      }
    }
    by_head ? ask.lists.EndTile(heads) : ask.lists.EndTile();
  }
  void AddClasses(Story* story) {
    EditPlan& e = story->ask.edit;
    story->ask.edited = true;
    e.classes = static_cast<int>(Between(1, 5, rng_));
    for (int64_t i = 0; i < story->keys(); ++i)
      e.key_class.push_back(static_cast<uint8_t>(Between(0, e.classes - 1, rng_)));
  }
  // At least one table.
  void AddEdit(Story* story) {
    AddClasses(story);
    EditPlan& e = story->ask.edit;
    int64_t n = s_.heads * e.classes, one = Between(0, 3, rng_);
    if (one == 0 || Coin()) e.bias = Normal(n, rng_);
    if (one == 1 || Coin()) e.gain = Normal(n, rng_);
    if (one == 2 || Coin()) e.rescale = Normal(n, rng_);
    if (one == 3 || Coin()) e.head_gain = Normal(s_.heads, rng_);
  }
  // Tables that say nothing.
  void AddNeutral(Story* story) {
    AddClasses(story);
    EditPlan& e = story->ask.edit;
    size_t n = At(s_.heads * e.classes);
    if (Coin()) e.bias.assign(n, 0);
    if (Coin()) e.gain.assign(n, 1);
    if (Coin()) e.rescale.assign(n, 1);
    if (Coin()) e.head_gain.assign(At(s_.heads), 1);
    story->ask.tapped = Coin();
  }

  // One step of all sequences, under their settings or none.
  std::vector<Tensor> Step(std::vector<Story>* stories, bool settings,
                           CausalPlans* plans = nullptr) {
    std::vector<Tensor> q, out;
    std::vector<SequenceRows> sequences;
    std::vector<AttentionSettings> asked;
    int64_t first = 0;
    for (Story& s : *stories) {
      q.push_back(RowsOf(s.q, s.length, s.rows()));
      sequences.push_back({first, s.rows(), s.length, s.pages.get()});
      if (settings) asked.push_back(s.ask.settings());
      first += s.rows();
    }
    Tensor all = PagedAttention(ConcatRows(q), sequences, s_, asked, plans);
    for (const SequenceRows& s : sequences) out.push_back(RowsOf(all, s.first, s.rows));
    return out;
  }

  // What row t gives its keys before rescaling, [S].
  std::vector<double> Weights(const Story& story, int64_t t, int64_t h) const {
    int64_t g = h / (s_.heads / s_.kv_heads);
    std::vector<double> p(At(story.keys()));
    double top = -1e300, sum = 0;
    for (int32_t j : Sees(story, t, h)) {
      double dot = 0;
      for (int64_t i = 0; i < s_.d; ++i)
        dot += static_cast<double>(story.q.row(story.length + t)[h * s_.d + i]) *
               story.k.row(j)[g * s_.d + i];
      p[At(j)] = dot * s_.scale * Edit(story, &EditPlan::gain, h, j, 1) +
                 Edit(story, &EditPlan::bias, h, j, 0);
      top = std::max(top, p[At(j)]);
    }
    for (int32_t j : Sees(story, t, h)) sum += p[At(j)] = std::exp(p[At(j)] - top);
    for (double& x : p) x /= sum > 0 ? sum : 1;
    return p;
  }
  const std::vector<int32_t>& Sees(const Story& story, int64_t t, int64_t h) const {
    return story.ask.sees[At(t * s_.kv_heads + h / (s_.heads / s_.kv_heads))];
  }
  static double Edit(const Story& story, std::vector<float> EditPlan::*table, int64_t h,
                     int32_t key, double neutral) {
    const EditPlan& e = story.ask.edit;
    if (!story.ask.edited || (e.*table).empty()) return neutral;
    return (e.*table)[At(h * e.classes + e.key_class[At(key)])];
  }
  void ExpectNear(const Story& story, const Tensor& got) const {
    const EditPlan& e = story.ask.edit;
    for (int64_t t = 0; t < story.rows(); ++t) {
      for (int64_t h = 0; h < s_.heads; ++h) {
        std::vector<double> p = Weights(story, t, h);
        double gain = e.head_gain.empty() ? 1 : e.head_gain[At(h)];
        for (int64_t i = 0; i < s_.d; ++i) {
          double want = 0;
          for (int32_t j : Sees(story, t, h))
            want += p[At(j)] * Edit(story, &EditPlan::rescale, h, j, 1) *
                    story.v.row(j)[h / (s_.heads / s_.kv_heads) * s_.d + i];
          ASSERT_NEAR(got.row(t)[h * s_.d + i], want * gain, 1e-4) << t << " " << h << " " << i;
        }
      }
    }
  }
  void ExpectMass(const Story& story) const {
    const EditPlan& e = story.ask.edit;
    ASSERT_EQ(story.ask.tap.mass.size(), At(story.rows() * s_.heads * e.classes));
    for (int64_t t = 0; t < story.rows(); ++t) {
      for (int64_t h = 0; h < s_.heads; ++h) {
        std::vector<double> p = Weights(story, t, h), want(At(e.classes));
        for (int32_t j : Sees(story, t, h)) want[e.key_class[At(j)]] += p[At(j)];
        const float* mass = &story.ask.tap.mass[At((t * s_.heads + h) * e.classes)];
        double sum = 0;
        for (int c = 0; c < e.classes; ++c) {
          ASSERT_NEAR(mass[c], want[At(c)], 2e-5) << t << " " << h << " " << c;
          sum += mass[c];
        }
        ASSERT_NEAR(sum, Sees(story, t, h).empty() ? 0 : 1, 1e-5);
      }
    }
  }

  const unsigned seed_ = std::random_device{}();
  PagedAttentionSpec s_ = GetParam().spec;
  PagePool pool_{2 * kLayers * kPageRows * s_.kv_heads * s_.d, int64_t{1} << 28, {}, GetParam().kv};
  Rng rng_;
};

TEST_P(SettingsKinds, NeutralOnesGiveTheBitsOfNone) {
  std::vector<Story> stories;
  for (int i = 0; i < 5; ++i) {
    stories.push_back(RandomStory());
    if (i) AddNeutral(&stories.back());
    ASSERT_TRUE(stories.back().ask.settings().plain());
  }
  std::vector<Tensor> want = Step(&stories, false), got = Step(&stories, true);
  for (size_t i = 0; i < stories.size(); ++i) {
    EXPECT_EQ(got[i].data, want[i].data) << "seed " << seed_;
    if (stories[i].ask.tapped) ExpectMass(stories[i]);
  }
}

TEST_P(SettingsKinds, ListsEditsAndTapsArePlainLoops) {
  SCOPED_TRACE(seed_);
  for (int round = 0; round < 4; ++round) {
    std::vector<Story> stories;
    for (int i = 0; i < 5; ++i) {
      stories.push_back(RandomStory());
      if (i == 0) continue;  // beside the others, nothing changes for this one
      if (i % 2) AddList(&stories.back());
      if (i > 1) AddEdit(&stories.back());
      stories.back().ask.tapped = i > 1 && Coin();
      ASSERT_FALSE(stories.back().ask.settings().plain());
    }
    std::vector<Tensor> got = Step(&stories, true);
    EXPECT_EQ(got[0].data, Step(&stories, false)[0].data);
    for (size_t i = 0; i < stories.size(); ++i) {
      ExpectNear(stories[i], got[i]);
      if (stories[i].ask.tapped) ExpectMass(stories[i]);
    }
  }
}

TEST_P(SettingsKinds, WeightsOfTheLastRowAreThoseUnderTheSettings) {
  SCOPED_TRACE(seed_);
  for (int round = 0; round < 6; ++round) {
    Story story = RandomStory();
    if (round % 2) AddList(&story);
    if (round > 2) AddEdit(&story);
    Tensor got = LastRowWeights(RowsOf(story.q, story.length, story.rows()),
                                {0, story.rows(), story.length, story.pages.get()}, s_,
                                story.ask.settings());
    ASSERT_EQ(got.shape, (std::vector<int64_t>{s_.heads, story.keys()}));
    for (int64_t h = 0; h < s_.heads; ++h) {
      std::vector<double> want = Weights(story, story.rows() - 1, h);
      for (int64_t j = 0; j < story.keys(); ++j) ASSERT_NEAR(got.row(h)[j], want[At(j)], 2e-5);
    }
  }
}

TEST_P(SettingsKinds, PlansOfOneLayerServeTheNext) {
  std::vector<Story> stories;
  for (int i = 0; i < 3; ++i) stories.push_back(RandomStory());
  std::vector<Tensor> want = Step(&stories, false);
  CausalPlans plans{Device()};
  for (int layer = 0; layer < 2; ++layer) {
    std::vector<Tensor> got = Step(&stories, false, &plans);
    for (size_t i = 0; i < stories.size(); ++i) EXPECT_EQ(got[i].data, want[i].data);
  }
}

std::vector<Kind> Kinds() {
  std::vector<Kind> kinds;
  for (KvFormat kv : {KvFormat::kF32, KvFormat::kF16}) {
    for (const PagedAttentionSpec& s :
         {PagedAttentionSpec{0, 6, 2, 64, 0.125f, 0}, PagedAttentionSpec{0, 7, 1, 16, 0.3f, 0},
          PagedAttentionSpec{0, 4, 4, 32, 0.2f, 37}, PagedAttentionSpec{0, 4, 2, 24, 0.2f, 0},
          PagedAttentionSpec{0, 4, 2, 8, 0.3f, 50}}) {
      kinds.push_back({s, kv});
    }
  }
  return kinds;
}
INSTANTIATE_TEST_SUITE_P(Kinds, SettingsKinds, testing::ValuesIn(Kinds()));

TEST(CausalPlansTest, OneForEachListAndNoMore) {
  CausalPlans plans{Device()};
  const AttentionPlan& a = plans.For(3, 10, 0);
  EXPECT_EQ(a.lists().tiles(), 1);
  EXPECT_EQ(a.lists().query_offset, 10);
  EXPECT_NE(&plans.For(3, 11, 0), &a);
  EXPECT_NE(&plans.For(4, 10, 0), &a);
  EXPECT_EQ(plans.For(3, 10, 5).lists().tiles(), 3);
  EXPECT_EQ(&plans.For(3, 10, 0), &a);
}

TEST(EditPlanTest, IsNeutralWhereItSaysNothing) {
  EditPlan e;
  EXPECT_TRUE(e.neutral());
  e.classes = 2, e.key_class = {0, 1, 1}, e.bias = {0, 0}, e.gain = {1, 1}, e.rescale = {1, 1};
  e.head_gain = {1};
  EXPECT_TRUE(e.neutral());
  for (std::vector<float>* table : {&e.bias, &e.gain, &e.rescale, &e.head_gain}) {
    table->back() = 0.5f;
    EXPECT_FALSE(e.neutral());
    table->back() = table == &e.bias ? 0.0f : 1.0f;
  }
}

TEST(SettingsDeathTest, NamesWhatDoesNotFit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  BlockList list;
  list.Query(0, 2), list.Key(1, 4), list.EndTile();
  EditPlan edit;
  edit.classes = 2, edit.key_class = {0, 1, 1, 0}, edit.bias = {1, 2, 3, 4};
  ScoreTap tap;
  CheckSettings({nullptr, &edit, &tap}, {2, 2, 3, 4});
  CheckSettings({&list, nullptr, nullptr}, {2, 2, 3, 5});
  EXPECT_DEATH(CheckSettings({&list, nullptr, nullptr}, {2, 2, 1, 5}),
               "lists.queries: \\[0, 2\\) of T");
  EXPECT_DEATH(CheckSettings({&list, nullptr, nullptr}, {2, 2, 3, 4}),
               "lists.keys: \\[1, 5\\) of S");
  EXPECT_DEATH(CheckSettings({nullptr, &edit, nullptr}, {2, 2, 3, 5}),
               "edit.key_class: S is 4, expected 5 ");
  EXPECT_DEATH(CheckSettings({nullptr, &edit, nullptr}, {3, 3, 3, 4}),
               "edit.bias: H \\* classes is 4, expected 6 ");
  list.causal = true;
  EXPECT_DEATH(CheckSettings({&list, nullptr, nullptr}, {2, 2, 3, 5}),
               "lists.query_offset: S - T is 0, expected 2 ");
  list.Query(1), list.EndTile(), list.causal = false;
  EXPECT_DEATH(CheckSettings({&list, nullptr, nullptr}, {2, 2, 3, 5}), "a row stands in two tiles");
  BlockList by_head;
  for (int32_t head : {0, 1}) by_head.Query(0, 2), by_head.Key(1, 4), by_head.EndTile({head, 1});
  CheckSettings({&by_head, nullptr, nullptr}, {2, 2, 3, 5});
  EXPECT_DEATH(CheckSettings({&by_head, nullptr, nullptr}, {2, 1, 3, 5}), "lists.kv_heads");
  EXPECT_DEATH(by_head.EndTile(), "after one for some");
  BlockList short_of_heads = by_head;
  short_of_heads.kv_heads.pop_back();
  EXPECT_DEATH(CheckSettings({&short_of_heads, nullptr, nullptr}, {2, 2, 3, 5}),
               "all tiles name their heads, or none");
  by_head.Query(1), by_head.EndTile({0, 2});
  EXPECT_DEATH(CheckSettings({&by_head, nullptr, nullptr}, {2, 2, 3, 5}),
               "a row stands in two tiles");
  edit.key_class[2] = 2;
  EXPECT_DEATH(CheckSettings({nullptr, &edit, nullptr}, {2, 2, 3, 4}), "not below edit.classes");
  edit.key_class.clear();
  EXPECT_DEATH(CheckSettings({nullptr, &edit, nullptr}, {2, 2, 3, 4}), "need key_class");
  EXPECT_DEATH(CheckSettings({nullptr, nullptr, &tap}, {2, 2, 3, 4}), "tap needs edit.key_class");
}

}  // namespace
}  // namespace sightline
