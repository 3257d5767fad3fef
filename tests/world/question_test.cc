// Questions: their answers against a second reading of the scene.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "tests/world/said.h"
#include "tools/world/world.h"

namespace sightline::world {
namespace {

TEST(Questions, CountsAndExistenceMatchARecount) {
  Rng rng(31);
  for (int i = 0; i < 150; ++i) {
    Scene s = Rendered(&rng);
    for (int k = 0; k < 4; ++k) {
      Qa qa = AskFamily(&rng, s, "count");
      Said said = Read(qa.question);
      auto n = std::count_if(s.objects.begin(), s.objects.end(),
                             [&](const Object& o) { return said.Fits(o); });
      EXPECT_EQ(qa.answer, std::to_string(n)) << qa.question;
      qa = AskFamily(&rng, s, "exist");
      said = Read(qa.question);
      bool any = std::any_of(s.objects.begin(), s.objects.end(),
                             [&](const Object& o) { return said.Fits(o); });
      EXPECT_EQ(qa.answer, any ? "yes" : "no") << qa.question;
    }
  }
}

TEST(Questions, AttributesBelongToTheOneObjectMeant) {
  Rng rng(32);
  for (int i = 0; i < 300; ++i) {
    Scene s = Rendered(&rng);
    for (Object& o : s.objects) o.label.clear();
    Qa qa = AskFamily(&rng, s, "attribute");
    if (qa.family != "attribute" || qa.question.find("ost ") != std::string::npos ||
        qa.question.find("est ") != std::string::npos)
      continue;
    if (qa.question.find(" or ") != std::string::npos ||
        qa.question.find("farthest") != std::string::npos)
      continue;
    // "How big" and "how ... filled" are the question's own words, not the object's.
    std::string words = qa.question;
    for (const char* own : {"ow big", "ow large", "ow tiny"}) {
      if (size_t at = words.find(own); at != std::string::npos) words.erase(at, std::strlen(own));
    }
    if (words.find("ow is") != std::string::npos) words = words.substr(0, words.rfind(' '));
    Said said = Read(words);
    std::set<std::string> possible;
    for (const Object& o : s.objects) {
      if (!said.Fits(o)) continue;
      for (const char* w :
           {kShapeNames[static_cast<size_t>(o.shape)], kColourNames[static_cast<size_t>(o.colour)],
            kSizeNames[static_cast<size_t>(o.size)], kFillNames[static_cast<size_t>(o.fill)]}) {
        possible.insert(w);
      }
    }
    EXPECT_EQ(possible.size(), 4u) << qa.question;
    EXPECT_EQ(possible.count(qa.answer), 1u) << qa.question << " -> " << qa.answer;
  }
}

TEST(Questions, BoxesAreObjectsAndCaptionsListThemAll) {
  Rng rng(33);
  for (int i = 0; i < 100; ++i) {
    Scene s = Rendered(&rng);
    Qa box = AskFamily(&rng, s, "box");
    if (box.is_box) {
      EXPECT_TRUE(std::any_of(s.objects.begin(), s.objects.end(),
                              [&](const Object& o) { return Iou(o.box, box.box) > 0.999; }));
      EXPECT_TRUE(ScoreReply(box, box.answer).correct);
    }
    Qa caption;
    ASSERT_TRUE(AskCaption(&rng, s, &caption));
    EXPECT_EQ(caption.caption_objects.size(), s.objects.size());
  }
}

TEST(Questions, FrontMeansDrawnLaterAndOverlapping) {
  Scene s;
  s.back_a = {230, 230, 230};
  for (int k = 0; k < 3; ++k) {
    Object o;
    o.shape = k;
    o.r = 0.15;
    o.u = k < 2 ? 0.4 + 0.12 * k : 0.85;
    s.objects.push_back(o);
  }
  Render(&s, 256, 256);
  ASSERT_EQ(s.covers.size(), 1u);
  EXPECT_EQ(s.covers[0][0], 1);
  EXPECT_EQ(s.covers[0][1], 0);
  EXPECT_LT(s.objects[0].visible, 0.95);
  EXPECT_DOUBLE_EQ(s.objects[1].visible, 1.0);
}

TEST(Questions, TrainingNeverNamesAHeldOutCombination) {
  Rng rng(34);
  for (int i = 0; i < 150; ++i) {
    Scene s = Rendered(&rng);
    for (int k = 0; k < 20; ++k) {
      Qa qa = AskRandom(&rng, s);
      if (qa.family != "exist" && qa.family != "count") continue;
      Said said = Read(qa.question);
      if (said.shape >= 0 && said.colour >= 0) {
        EXPECT_FALSE(IsHeldOut(said.colour, said.shape)) << qa.question;
      }
    }
  }
}

TEST(Splits, PopeIsBalancedAndAsksAboutShapes) {
  for (const char* name : {"pope_random", "pope_popular", "pope_adversarial"}) {
    int yes = 0, all = 0;
    for (uint64_t i = 0; i < 60; ++i) {
      for (const Qa& q : MakeEvalItem(*ParseSplit(name), 3, i).questions) {
        ++all;
        yes += q.answer == "yes";
        EXPECT_EQ(q.family, "exist");
      }
    }
    EXPECT_NEAR(static_cast<double>(yes) / all, 0.5, 0.05) << name;
  }
}

TEST(Splits, EveryAnswerScoresAsCorrect) {
  for (const std::string& name : SplitNames()) {
    for (uint64_t i = 0; i < 12; ++i) {
      EvalItem item = MakeEvalItem(*ParseSplit(name), 8, i);
      EXPECT_FALSE(item.images.empty());
      for (const Qa& q : item.questions) {
        EXPECT_TRUE(ScoreReply(q, q.answer).correct)
            << name << ": " << q.question << " -> " << q.answer;
        EXPECT_FALSE(q.question.empty());
      }
    }
  }
}

}  // namespace
}  // namespace sightline::world
