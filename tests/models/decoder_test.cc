#include "language/decoder.h"

#include <gtest/gtest.h>

#include <random>

#include "compute/attention/windowed_list.h"
#include "fusion/families/vl_model.h"
#include "tests/models/model_files.h"

namespace sightline::language {
namespace {

std::vector<int32_t> RandomIds(size_t n, int64_t vocab) {
  std::mt19937 rng(std::random_device{}());
  std::vector<int32_t> ids;
  while (ids.size() < n) ids.push_back(static_cast<int32_t>(rng() % static_cast<uint32_t>(vocab)));
  return ids;
}

class DecoderKinds : public ::testing::TestWithParam<const char*> {};

// A prompt in uneven chunks, over page borders and windows, gives the numbers of one pass.
TEST_P(DecoderKinds, ChunksEqualOnePass) {
  auto model = VlModel::Load(GoldenDirectory(GetParam()));
  ASSERT_TRUE(model.ok()) << model.status();
  const Decoder& d = (*model)->decoder();
  std::vector<int32_t> ids = RandomIds(140, d.spec().vocab);
  PagePool pool(d.page_numbers(), 1 << 28);
  Sequence whole(&pool, d.spec().layers), parts(&pool, d.spec().layers);
  auto want = d.Forward(d.Embed(ids), &whole);
  ASSERT_TRUE(want.ok());
  std::vector<float> got;
  size_t at = 0;
  for (size_t n : {1, 63, 2, 31, 42, 1}) {
    auto step = d.Forward(d.Embed({ids.begin() + static_cast<int64_t>(at),
                                   ids.begin() + static_cast<int64_t>(at + n)}),
                          &parts);
    ASSERT_TRUE(step.ok());
    got = *step;
    at += n;
  }
  ASSERT_EQ(at, ids.size());
  EXPECT_EQ(parts.next_position(), 140);
  EXPECT_EQ(got, *want);
}

// Text positions given as three equal streams are the default.
TEST_P(DecoderKinds, EqualStreamsAreText) {
  auto model = VlModel::Load(GoldenDirectory(GetParam()));
  ASSERT_TRUE(model.ok()) << model.status();
  const Decoder& d = (*model)->decoder();
  std::vector<int32_t> ids = RandomIds(33, d.spec().vocab), positions;
  for (int32_t i = 0; i < 3 * 33; ++i) positions.push_back(i % 33);
  PagePool pool(d.page_numbers(), 1 << 28);
  Sequence a(&pool, d.spec().layers), b(&pool, d.spec().layers);
  auto x = d.Run({d.Embed(ids), {}, {}}, &a), y = d.Run({d.Embed(ids), positions, {}}, &b);
  ASSERT_TRUE(x.ok() && y.ok());
  EXPECT_EQ(x->data, y->data);
  EXPECT_EQ(b.next_position(), 33);
}

TEST_P(DecoderKinds, EndsAreErrors) {
  auto model = VlModel::Load(GoldenDirectory(GetParam()));
  ASSERT_TRUE(model.ok()) << model.status();
  const Decoder& d = (*model)->decoder();
  PagePool small(d.page_numbers(), d.page_numbers() * 4 - 1);  // less than a page of float32
  Sequence seq(&small, d.spec().layers);
  EXPECT_EQ(d.Forward(d.Embed(RandomIds(8, d.spec().vocab)), &seq).status().code(),
            absl::StatusCode::kResourceExhausted);
  PagePool pool(d.page_numbers(), 1 << 28);
  Sequence full(&pool, d.spec().layers);
  auto ids = RandomIds(static_cast<size_t>(d.spec().context) + 1, d.spec().vocab);
  EXPECT_EQ(d.Forward(d.Embed(ids), &full).status().code(), absl::StatusCode::kOutOfRange);
}

INSTANTIATE_TEST_SUITE_P(Models, DecoderKinds, ::testing::Values("llama3", "gemma3", "qwen2_5_vl"));

TEST(WindowedCausalList, EveryRowSeesItsWindow) {
  std::mt19937 rng(std::random_device{}());
  for (int round = 0; round < 60; ++round) {
    int32_t queries = 1 + static_cast<int32_t>(rng() % 40),
            length = static_cast<int32_t>(rng() % 50);
    int32_t window = static_cast<int32_t>(rng() % 40);
    BlockList list = WindowedCausalList(queries, length, window);
    int32_t rows = 0;
    for (int t = 0; t < list.tiles(); ++t) {
      for (int32_t q : list.QueriesOf(t)) {
        std::vector<int32_t> want, got;
        int32_t last = length + q;
        for (int32_t k = window > 0 ? std::max(0, last - window + 1) : 0; k <= last; ++k)
          want.push_back(k);
        for (int32_t k : list.KeysOf(t)) {
          if (k <= list.query_offset + q) got.push_back(k);
        }
        EXPECT_EQ(got, want);
        ++rows;
      }
    }
    EXPECT_EQ(rows, queries);
  }
}

}  // namespace
}  // namespace sightline::language
