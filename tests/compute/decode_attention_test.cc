#include "compute/cpu/decode_attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "tests/compute/random.h"
#include "tests/compute/simd_targets.h"

namespace sightline {
namespace {

class DecodeAttentionTest : public SimdTargetTest {};

// Pages in shuffled order, filled with random rows.
struct Pages {
  std::vector<uint8_t> bytes;
  std::vector<const void*> pages;
  Pages(BlockFormat f, int64_t keys, int64_t page_rows, int64_t stride, Rng& rng) {
    int64_t count = (keys + page_rows - 1) / page_rows, numbers = page_rows * stride;
    auto values = Normal(count * numbers, rng);
    bytes.resize(static_cast<size_t>(BytesOf(f, count * numbers)));
    QuantizeRow(f, values.data(), count * numbers, bytes.data());
    for (int64_t i = 0; i < count; ++i) pages.push_back(bytes.data() + BytesOf(f, i * numbers));
    std::shuffle(pages.begin(), pages.end(), rng);
  }
};

TEST_P(DecodeAttentionTest, MeetsTheReference) {
  Rng rng(21);
  for (int i = 0; i < 60; ++i) {
    constexpr BlockFormat kFormats[] = {BlockFormat::kF32, BlockFormat::kF16, BlockFormat::kBF16};
    constexpr int64_t kPageRows[] = {64, 64, 16, 5, 128};
    DecodeAttentionArgs a;
    a.kv_format = kFormats[i % 3];
    a.kv_heads = Between(1, 3, rng);
    int64_t share = i < 12 ? i + 1 : Between(1, 9, rng);
    a.heads = a.kv_heads * share;
    a.d = 16 * Between(1, 8, rng);
    a.rows = i % 4 == 0 ? Between(1, 5, rng) : 1;
    a.scale = 1 / std::sqrt(static_cast<float>(a.d));
    int64_t keys = i % 7 == 0 ? Between(a.rows, 70, rng) : Between(a.rows, 900, rng);
    int64_t stride = a.kv_heads * a.d + (i % 2 ? Between(0, 40, rng) : 0),
            page_rows = kPageRows[i % 5];
    Pages k(a.kv_format, keys, page_rows, stride, rng),
        v(a.kv_format, keys, page_rows, stride, rng);
    a.k = {k.pages.data(), page_rows, stride};
    a.v = {v.pages.data(), page_rows, stride};
    a.q_stride = a.heads * a.d + Between(0, 3, rng);
    auto q = Normal(a.rows * a.q_stride, rng, 2);
    a.q = q.data();
    std::vector<int32_t> begin, end;
    for (int64_t t = 0; t < a.rows; ++t) {
      end.push_back(static_cast<int32_t>(keys - a.rows + t + 1));
      begin.push_back(static_cast<int32_t>(std::max<int64_t>(0, end.back() - 300)));
    }
    a.end = end.data();
    if (i % 3 == 1) a.begin = begin.data();
    std::vector<float> got(static_cast<size_t>(a.rows * a.heads * a.d)), want(got.size());
    a.out = got.data();
    DecodeAttention(a);
    a.out = want.data();
    DecodeAttentionReference(a);
    for (size_t j = 0; j < got.size(); ++j) ASSERT_NEAR(got[j], want[j], 2e-5) << i << " " << j;
  }
}

TEST_P(DecodeAttentionTest, LargeLogitsStayFinite) {
  Rng rng(22);
  DecodeAttentionArgs a;
  a.d = 64;
  a.heads = 4;
  a.kv_heads = 2;
  a.scale = 300;
  Pages k(BlockFormat::kF32, 700, 64, 128, rng), v(BlockFormat::kF32, 700, 64, 128, rng);
  a.k = {k.pages.data(), 64, 128};
  a.v = {v.pages.data(), 64, 128};
  auto q = Normal(256, rng);
  a.q = q.data();
  int32_t end = 700;
  a.end = &end;
  std::vector<float> got(256), want(256);
  a.out = got.data();
  DecodeAttention(a);
  a.out = want.data();
  DecodeAttentionReference(a);
  for (size_t j = 0; j < got.size(); ++j) ASSERT_NEAR(got[j], want[j], 2e-3) << j;
}

INSTANTIATE_TEST_SUITE_P(Targets, DecodeAttentionTest, testing::ValuesIn(SimdTargets()),
                         SimdTargetName);

}  // namespace
}  // namespace sightline
