#include "language/decoder_size.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "language/decoder.h"

namespace sightline::language {
namespace {

TEST(DecoderSize, IsThatOfTheLoadedDecodersPages) {
  DecoderSpec spec;
  spec.hidden = 96;
  spec.ffn = 160;
  spec.layers = 3;
  spec.heads = 4;
  spec.kv_heads = 2;
  spec.head_dim = 16;
  spec.vocab = 77;
  auto zeros = [](const std::string&, const std::vector<int64_t>& shape) -> StatusOr<StoredTensor> {
    StoredTensor t{BlockFormat::kF32, shape, nullptr, nullptr};
    auto numbers = std::make_shared<std::vector<float>>(static_cast<size_t>(t.count()));
    t.data = numbers->data();
    t.keep = numbers;
    return t;
  };
  auto decoder = Decoder::Load(spec, zeros);
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  for (KvFormat kv : {KvFormat::kF32, KvFormat::kF16}) {
    EXPECT_EQ(KvBytesPerToken(spec, kv) * kPageRows, (*decoder)->page_numbers() * BytesOf(kv));
  }
}

}  // namespace
}  // namespace sightline::language
