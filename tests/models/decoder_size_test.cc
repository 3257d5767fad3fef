#include "language/decoder_size.h"

#include <gtest/gtest.h>

#include "language/decoder.h"

namespace sightline::language {
namespace {

DecoderSpec Small() {
  DecoderSpec s;
  s.hidden = 96;
  s.ffn = 160;
  s.layers = 3;
  s.heads = 4;
  s.kv_heads = 2;
  s.head_dim = 16;
  s.vocab = 77;
  return s;
}

// Every switch that adds weights, and widths that can't be quantised.
std::vector<DecoderSpec> Specs() {
  std::vector<DecoderSpec> all(5, Small());
  all[1].tied = false;
  all[1].qkv_bias = all[1].o_bias = all[1].mlp_bias = true;
  all[2].qk_norm = all[2].sandwich_norms = true;
  all[3].norm = NormKind::kLayer;
  all[4].hidden = 40;
  return all;
}

TEST(DecoderSize, IsThatOfTheLoadedDecoder) {
  for (const DecoderSpec& spec : Specs()) {
    for (BlockFormat stored : {BlockFormat::kF32, BlockFormat::kF16, BlockFormat::kBF16}) {
      auto read = [&](const std::string&,
                      const std::vector<int64_t>& shape) -> StatusOr<StoredTensor> {
        StoredTensor t{stored, shape, nullptr, nullptr};
        auto zeros = std::make_shared<std::vector<uint32_t>>(static_cast<size_t>(t.count()));
        t.data = zeros->data();
        t.keep = zeros;
        return t;
      };
      for (WeightChoice choice : {WeightChoice::kStored, WeightChoice::kF32, WeightChoice::kBF16,
                                  WeightChoice::kQ8, WeightChoice::kQ4}) {
        auto decoder = Decoder::Load(spec, read, choice);
        ASSERT_TRUE(decoder.ok()) << decoder.status();
        DecoderSize size = SizeOf(spec, stored, choice);
        EXPECT_EQ(size.matrix_bytes, (*decoder)->weight_bytes());
        EXPECT_EQ(size.parameters, (*decoder)->parameter_count());
        for (KvFormat kv : {KvFormat::kF32, KvFormat::kF16}) {
          EXPECT_EQ(KvBytesPerToken(spec, kv) * kPageRows,
                    (*decoder)->page_numbers() * BytesOf(kv));
        }
      }
    }
  }
}

TEST(DecoderSize, FewerBitsTakeLess) {
  DecoderSpec spec = Small();
  auto bytes = [&](WeightChoice choice) {
    return SizeOf(spec, BlockFormat::kBF16, choice).matrix_bytes;
  };
  EXPECT_GT(bytes(WeightChoice::kF32), bytes(WeightChoice::kBF16));
  EXPECT_GT(bytes(WeightChoice::kBF16), bytes(WeightChoice::kQ8));
  EXPECT_GT(bytes(WeightChoice::kQ8), bytes(WeightChoice::kQ4));
  EXPECT_EQ(SizeOf(spec, BlockFormat::kBF16, WeightChoice::kQ4).vector_bytes, 4 * 96 * 7);
}

}  // namespace
}  // namespace sightline::language
