#include <gtest/gtest.h>

#include "tools/world/qa.h"

namespace sightline::world {
namespace {

Qa Plain(const std::string& answer) {
  Qa qa;
  qa.answer = answer;
  return qa;
}

TEST(Score, TextIgnoresCaseArticlesAndSynonyms) {
  EXPECT_TRUE(ScoreReply(Plain("yes"), "Yes.").correct);
  EXPECT_TRUE(ScoreReply(Plain("3"), "three").correct);
  EXPECT_TRUE(ScoreReply(Plain("gray"), "grey").correct);
  EXPECT_TRUE(ScoreReply(Plain("a red circle"), "the red circle").correct);
  EXPECT_TRUE(ScoreReply(Plain("small"), "little").correct);
  EXPECT_FALSE(ScoreReply(Plain("3"), "4").correct);
  EXPECT_FALSE(ScoreReply(Plain("yes"), "").correct);
  EXPECT_FALSE(ScoreReply(Plain("AB1"), "AB").correct);
}

TEST(Score, BoxesNeedHalfOverlap) {
  Qa qa;
  qa.is_box = true;
  qa.box = {0.1, 0.1, 0.3, 0.3};
  EXPECT_TRUE(ScoreReply(qa, "[100,100,300,300]").correct);
  EXPECT_TRUE(ScoreReply(qa, "[110, 95, 310, 305]").correct);
  EXPECT_FALSE(ScoreReply(qa, "[500,500,700,700]").correct);
  EXPECT_FALSE(ScoreReply(qa, "[100,100,300").correct);
  EXPECT_FALSE(ScoreReply(qa, "there").correct);
}

TEST(Score, TimesHaveATolerance) {
  Qa qa = Plain("3.5s");
  qa.time_s = 3.2;
  qa.tolerance_s = 1.0;
  EXPECT_TRUE(ScoreReply(qa, "4.1s").correct);
  EXPECT_FALSE(ScoreReply(qa, "4.3s").correct);
  EXPECT_FALSE(ScoreReply(qa, "soon").correct);
}

TEST(Score, CaptionsCountObjectsOnce) {
  Qa qa;
  qa.answer = "a large red circle, a small blue star";
  qa.caption_objects = {"large red circle", "small blue star"};
  Score s = ScoreReply(qa, "a small red circle, a red circle, a green heart");
  EXPECT_EQ(s.caption_truth, 2);
  EXPECT_EQ(s.caption_said, 3);
  EXPECT_EQ(s.caption_hits, 1);
  EXPECT_FALSE(s.correct);
  EXPECT_TRUE(ScoreReply(qa, qa.answer).correct);
}

}  // namespace
}  // namespace sightline::world
