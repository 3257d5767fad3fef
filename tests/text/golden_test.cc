// The reference's ids and texts: its golden strings, and a corpus of 10,000 strings in every
// variant of the golden files (hashes by tests/support/text/reference_ids.js).
#include "tests/text/corpus.h"
#include "tests/text/files.h"

namespace sightline::language {
namespace {

using Ids = std::vector<int32_t>;

class Strings : public ::testing::TestWithParam<const char*> {};

TEST_P(Strings, MeetTheReference) {
  auto tokenizer = Golden(GetParam());
  ASSERT_NE(tokenizer, nullptr);
  const nlohmann::json cases = ReadJson(kTokenizers + "/" + GetParam() + ".golden.json");
  for (const auto& c : cases) {
    std::string text = c["text"];
    auto ids = tokenizer->EncodeTemplate(text);
    ASSERT_TRUE(ids.ok()) << ids.status();
    EXPECT_EQ(*ids, c["ids"].get<Ids>()) << text;
    EXPECT_EQ(tokenizer->WithSpecialTokens(*ids), c["ids_with_special"].get<Ids>()) << text;
    EXPECT_EQ(tokenizer->Decode(*ids), c["decoded"].get<std::string>()) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, Strings,
                         ::testing::Values("llama2", "llama3", "llava_onevision", "qwen2",
                                           "smollm"));

uint32_t Hash(const Ids& ids) { return Fnv(ids.data(), ids.size() * sizeof(int32_t)); }

TEST(Corpus, MeetsTheReferenceInEveryVariant) {
  constexpr size_t kCount = 10000;
  auto strings = CorpusStrings(kCount, 1);
  auto random_ids = CorpusIds(kCount, 2, 1000);
  const nlohmann::json variants = ReadJson(kTokenizers + "/variants.json");
  for (const auto& [name, variant] : variants.items()) {
    auto tokenizer = Patched(variant["base"], variant["patch"]);
    ASSERT_NE(tokenizer, nullptr);
    std::string path = kTokenizers + "/corpus/";
    path.append(name).append(".hash");
    std::string hashes = ReadAll(path);
    ASSERT_EQ(hashes.size(), 4 * kCount);
    int wrong[3] = {0, 0, 0};
    for (size_t i = 0; i < kCount; ++i) {
      auto want = [&](size_t at) { return static_cast<uint8_t>(hashes[4 * i + at]); };
      auto ids = tokenizer->EncodeTemplate(strings[i]);
      ASSERT_TRUE(ids.ok()) << ids.status();
      bool same = (Hash(*ids) & 0xFFFF) == (want(0) | uint32_t{want(1)} << 8);
      if (!same && wrong[0] < 3) ADD_FAILURE() << name << " string " << i << ": " << strings[i];
      wrong[0] += !same;
      wrong[1] += (Hash(tokenizer->WithSpecialTokens(*ids)) & 0xFF) != want(2);
      std::string text = tokenizer->Decode(random_ids[i]);
      same = (Fnv(text.data(), text.size()) & 0xFF) == want(3);
      if (!same && wrong[2] < 3) ADD_FAILURE() << name << " random ids " << i << ": " << text;
      wrong[2] += !same;
    }
    EXPECT_EQ(wrong[0], 0) << name;
    EXPECT_EQ(wrong[1], 0) << name;
    EXPECT_EQ(wrong[2], 0) << name;
  }
}

}  // namespace
}  // namespace sightline::language
