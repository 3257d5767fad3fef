// Many sequences in one step: each gets the numbers it has alone, with chunks of any length,
// deepstack rows and rows' own positions.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "compute/ops/decoder_ops.h"
#include "fusion/families/vl_model.h"
#include "language/decoder.h"
#include "tests/models/model_files.h"

namespace sightline::language {
namespace {

// A sequence's whole input, to be cut.
struct Story {
  StepInput in;
  Tensor want;  // [T, C], alone and in one pass
  std::unique_ptr<Sequence> seq;
  int64_t done = 0;
  Tensor got;
};

StepInput Cut(const StepInput& in, int64_t first, int64_t n) {
  StepInput out;
  out.x = RowsOf(in.x, first, n);
  for (const Tensor& level : in.deepstack) out.deepstack.push_back(RowsOf(level, first, n));
  for (int64_t s = 0; s < 3 && !in.positions.empty(); ++s) {
    auto from = in.positions.begin() + s * in.x.rows() + first;
    out.positions.insert(out.positions.end(), from, from + n);
  }
  return out;
}

class BatchKinds : public ::testing::TestWithParam<std::tuple<const char*, KvFormat>> {
 protected:
  void SetUp() override {
    auto model = VlModel::Load(GoldenDirectory(std::get<0>(GetParam())));
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
    pool_ = std::make_unique<PagePool>(decoder().page_numbers(), int64_t{1} << 29, Device(),
                                       std::get<1>(GetParam()));
  }
  const Decoder& decoder() const { return model_->decoder(); }

  // Odd ones have positions of their own and two levels of deepstack.
  Story RandomStory(int index) {
    const DecoderSpec& spec = decoder().spec();
    Story s;
    int64_t n = 20 + static_cast<int64_t>(rng_() % 130);
    std::vector<int32_t> ids;
    for (int64_t i = 0; i < n; ++i)
      ids.push_back(static_cast<int32_t>(rng_() % static_cast<uint32_t>(spec.vocab)));
    s.in.x = decoder().Embed(ids);
    if (index % 2) {
      for (int stream = 0; stream < 3; ++stream) {
        for (int32_t i = 0; i < n; ++i)
          s.in.positions.push_back(i / 2 + static_cast<int32_t>(rng_() % 4));
      }
      std::normal_distribution<float> value(0, 0.1f);
      s.in.deepstack.assign(2, Tensor({n, spec.hidden}));
      for (Tensor& level : s.in.deepstack) {
        for (float& v : level.data) v = value(rng_);
      }
    }
    Sequence alone(pool_.get(), spec.layers);
    auto want = decoder().Run(Cut(s.in, 0, n), &alone);
    EXPECT_TRUE(want.ok()) << want.status();
    s.want = *std::move(want);
    s.seq = std::make_unique<Sequence>(pool_.get(), spec.layers);
    s.got = Tensor({n, spec.hidden});
    return s;
  }

  // One step of random company; false when all are done.
  bool Step(std::vector<Story>* stories) {
    std::vector<SequenceStep> parts;
    std::vector<Story*> who;
    std::vector<int64_t> rows;
    for (Story& s : *stories) {
      int64_t left = s.in.x.rows() - s.done, n = 1;
      if (rng_() % 3 == 0) n = 1 + static_cast<int64_t>(rng_() % 50);
      if (left == 0 || rng_() % 4 == 0) continue;
      n = std::min(n, left);
      EXPECT_TRUE(decoder().Reserve(n, s.seq.get()).ok());
      parts.push_back({Cut(s.in, s.done, n), s.seq.get(), nullptr});
      who.push_back(&s);
      rows.push_back(n);
    }
    if (!parts.empty()) {
      Tensor out = decoder().Run(std::move(parts));
      int64_t first = 0;
      for (size_t i = 0; i < who.size(); ++i) {
        std::copy_n(out.row(first), rows[i] * out.cols(), who[i]->got.row(who[i]->done));
        who[i]->done += rows[i];
        first += rows[i];
      }
    }
    return std::any_of(stories->begin(), stories->end(),
                       [](const Story& s) { return s.done < s.in.x.rows(); });
  }

  std::unique_ptr<VlModel> model_;
  std::unique_ptr<PagePool> pool_;
  std::mt19937 rng_{std::random_device{}()};
};

TEST_P(BatchKinds, BatchedEqualsSingle) {
  std::vector<Story> stories;
  for (int i = 0; i < 5; ++i) stories.push_back(RandomStory(i));
  while (Step(&stories)) {
  }
  for (const Story& s : stories) {
    EXPECT_EQ(s.got.data, s.want.data);
    EXPECT_EQ(s.seq->length(), s.in.x.rows());
  }
}

TEST_P(BatchKinds, TapsAreOfTheirOwnSequence) {
  std::vector<Story> stories;
  for (int i = 0; i < 3; ++i) stories.push_back(RandomStory(i));
  std::vector<SequenceStep> parts;
  std::vector<StepTaps> taps(3);
  for (size_t i = 0; i < 3; ++i) {
    Story& s = stories[i];
    taps[i].want_attention = i != 1;
    ASSERT_TRUE(decoder().Reserve(s.in.x.rows(), s.seq.get()).ok());
    parts.push_back({Cut(s.in, 0, s.in.x.rows()), s.seq.get(), &taps[i]});
  }
  decoder().Run(std::move(parts));
  for (size_t i = 0; i < 3; ++i) {
    Story& s = stories[i];
    Sequence alone(pool_.get(), decoder().spec().layers);
    StepTaps want;
    want.want_attention = i != 1;
    ASSERT_TRUE(decoder().Run(Cut(s.in, 0, s.in.x.rows()), &alone, &want).ok());
    ASSERT_EQ(taps[i].hidden.size(), want.hidden.size());
    ASSERT_EQ(taps[i].last_row.size(), want.last_row.size());
    for (size_t l = 0; l < want.hidden.size(); ++l)
      EXPECT_EQ(taps[i].hidden[l].data, want.hidden[l].data);
    for (size_t l = 0; l < want.last_row.size(); ++l)
      EXPECT_EQ(taps[i].last_row[l].data, want.last_row[l].data);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, BatchKinds,
                         ::testing::Combine(::testing::Values("llama3", "gemma3", "qwen2_5_vl"),
                                            ::testing::Values(KvFormat::kF32, KvFormat::kF16)));

}  // namespace
}  // namespace sightline::language
