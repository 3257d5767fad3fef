// The trainer's C interface: same batch whatever the threads, and tokens that read as questions
// with answers.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tools/world/c_api.h"
#include "tools/world/scene.h"
#include "tools/world/tokens.h"

namespace sightline::world {
namespace {

constexpr int kBatch = 3, kWidth = 128, kHeight = 96, kText = 192;

// Bytes 0..255 as tokens 0..255, a few merges, specials after them.
std::string Blob() {
  static const char* kHex = "0123456789abcdef";
  std::string blob;
  for (int i = 0; i < 256; ++i) {
    blob += "token " + std::to_string(i) + " " + kHex[i / 16] + kHex[i % 16] + "\n";
  }
  blob += "token 256 7468\ntoken 257 746865\nmerge 0 74 68\nmerge 1 7468 65\n";  // t h, th e
  blob += "special 258 <|pad|>\nspecial 259 <|assistant|>\nspecial 260 <|end|>\n";
  return blob;
}

struct Batch {
  std::vector<uint8_t> pixels, answer;
  std::vector<int32_t> tokens, segment;
  std::vector<float> objects, domain;
};

// heldout: -1 trains, 0 and 1 are as sl_world_measure has them.
Batch Images(int threads, uint64_t seed, int n_images, float outliers, int heldout = -1) {
  std::string blob = Blob();
  void* world = sl_world_create(blob.data(), blob.size(), threads);
  EXPECT_NE(world, nullptr);
  if (heldout >= 0) sl_world_measure(world, heldout);
  auto n = size_t{kBatch} * static_cast<size_t>(n_images);
  Batch b;
  b.pixels.resize(n * kWidth * kHeight * 3);
  b.objects.resize(n * 12 * 16);
  b.domain.resize(kBatch);
  b.tokens.resize(kBatch * kText);
  b.segment.resize(kBatch * kText);
  b.answer.resize(kBatch * kText);
  sl_world_fill_images(world, seed, kBatch, n_images, kWidth, kHeight, kText, outliers,
                       b.pixels.data(), b.tokens.data(), b.answer.data(), b.segment.data(),
                       b.objects.data(), b.domain.data());
  sl_world_destroy(world);
  return b;
}

TEST(Trainer, ThreadsDoNotChangeABatch) {
  Batch one = Images(1, 17, 2, 0), four = Images(4, 17, 2, 0), other = Images(4, 18, 2, 0);
  EXPECT_EQ(one.pixels, four.pixels);
  EXPECT_EQ(one.tokens, four.tokens);
  EXPECT_EQ(one.objects, four.objects);
  EXPECT_NE(one.pixels, other.pixels);
}

TEST(Trainer, OnlyHeldOutStillsHoldWhatTrainingNeverShows) {
  for (int heldout : {-1, 0, 1}) {
    Batch b = Images(2, 23, 1, 0, heldout);
    for (int row = 0; row < kBatch; ++row) {
      bool found = false;
      for (int i = 0; i < 12; ++i) {
        const float* o = &b.objects[static_cast<size_t>(row * 12 + i) * 16];
        found |= o[0] > 0 && o[5] >= 0 && IsHeldOut(static_cast<int>(o[6]), static_cast<int>(o[5]));
      }
      EXPECT_EQ(found, heldout == 1) << heldout << " " << row;
    }
  }
}

TEST(Trainer, TokensReadAsQuestionsWithAnswers) {
  Batch b = Images(2, 3, 1, 0);
  for (int row = 0; row < kBatch; ++row) {
    std::map<int, std::string> question, answer;
    std::map<int, int> ends;
    for (int i = 0; i < kText; ++i) {
      auto at = static_cast<size_t>(row) * kText + static_cast<size_t>(i);
      int id = b.tokens[at], segment = b.segment[at];
      if (segment < 0) {
        EXPECT_EQ(id, 258);
        EXPECT_EQ(b.answer[at], 0);
        continue;
      }
      std::string text = id < 256    ? std::string(1, static_cast<char>(id))
                         : id == 256 ? "th"
                         : id == 257 ? "the"
                                     : "";
      ends[segment] += id == 260;
      (b.answer[at] ? answer : question)[segment] += text;
    }
    ASSERT_FALSE(question.empty());
    for (const auto& [segment, text] : question) {
      EXPECT_GT(text.size(), 5u);
      EXPECT_FALSE(answer[segment].empty()) << text;
      EXPECT_EQ(ends[segment], 1);
    }
    EXPECT_GT(b.objects[static_cast<size_t>(row) * 12 * 16], 0);
  }
}

TEST(Trainer, OutliersCarryNoQuestions) {
  Batch b = Images(2, 5, 1, 1.0f);
  for (float d : b.domain) EXPECT_EQ(d, 1.0f);
  for (int32_t s : b.segment) EXPECT_EQ(s, -1);
}

TEST(Trainer, ClipsKeepTheSamplingRule) {
  std::string blob = Blob();
  void* world = sl_world_create(blob.data(), blob.size(), 2);
  for (int frames : {4, 7, 16, 32}) {
    auto n = size_t{kBatch} * static_cast<size_t>(frames);
    std::vector<uint8_t> pixels(n * 64 * 64 * 3), answer(kBatch * kText);
    std::vector<int32_t> tokens(kBatch * kText), segment(kBatch * kText);
    std::vector<float> times(n);
    sl_world_fill_clips(world, 9, kBatch, frames, 64, 64, kText, pixels.data(), times.data(),
                        tokens.data(), answer.data(), segment.data());
    for (int b = 0; b < kBatch; ++b) {
      for (int f = 1; f < frames; ++f)
        EXPECT_GT(times[static_cast<size_t>(b * frames + f)],
                  times[static_cast<size_t>(b * frames + f - 1)]);
    }
  }
  sl_world_destroy(world);
}

TEST(Trainer, MalformedTokenizersAreRefused) {
  for (std::string blob : {std::string(), std::string("token x y\n"), std::string("nonsense"),
                           std::string("token 3 zz\n"), Blob().substr(0, 300)}) {
    EXPECT_EQ(sl_world_create(blob.data(), blob.size(), 1), nullptr);
  }
}

TEST(Tokens, SplitsAsTheTokenizerDoes) {
  using V = std::vector<std::string>;
  EXPECT_EQ(SplitWords("What's at 12?"), (V{"What", "'s", " at", " ", "1", "2", "?"}));
  EXPECT_EQ(SplitWords("[10,20]"), (V{"[", "1", "0", ",", "2", "0", "]"}));
  EXPECT_EQ(SplitWords("a, b."), (V{"a", ",", " b", "."}));
  EXPECT_EQ(SplitWords("x  y\n\nz"), (V{"x", " ", " y", "\n\n", "z"}));
}

TEST(Trainer, CorpusHasLinesWithoutBoxes) {
  std::vector<char> text(200000);
  size_t n = sl_world_corpus(4, 500, text.data(), text.size());
  std::string corpus(text.data(), n);
  EXPECT_GT(n, 5000u);
  EXPECT_EQ(corpus.find('['), std::string::npos);
}

}  // namespace
}  // namespace sightline::world
