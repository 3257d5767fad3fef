// Questions that presume what is not so: what they presume is indeed nowhere, and they are few
// beside those in the same words that presume what is.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/world/said.h"
#include "tools/world/ask_more.h"
#include "tools/world/clip.h"
#include "tools/world/wording.h"

namespace sightline::world {
namespace {

bool CannotBeTold(const Qa& q) { return q.answer == "I can't tell"; }

// Whether an object of these words is in the clip at any time, inside the picture or not.
bool EverThere(const Clip& c, const Said& said) {
  for (double t = -1; t < c.duration_s + 1; t += 0.1) {
    const Scene s = SceneAt(c, t);
    if (std::any_of(s.objects.begin(), s.objects.end(), [&](auto& o) { return said.Fits(o); }))
      return true;
  }
  return false;
}

// The object of these words; shapes are unique in a clip.
int Who(const Clip& c, const Said& said) {
  for (size_t i = 0; i < c.base.objects.size(); ++i) {
    if (c.base.objects[i].shape == said.shape) return static_cast<int>(i);
  }
  return -1;
}

bool StaysInPlace(const Clip& c, int shape) {
  std::set<std::pair<double, double>> places;
  for (double t = -1; t < c.duration_s + 1; t += 0.1) {
    for (const Object& o : SceneAt(c, t).objects) {
      if (o.shape == shape) places.insert({o.u, o.v});
    }
  }
  return places.size() == 1;
}

// The events that a verb may mean.
std::set<EventType> Meant(const std::string& verb) {
  static const std::map<std::string, std::set<EventType>> kMeant = {
      {"enter", {EventType::kEnter, EventType::kAppear}},
      {"appear", {EventType::kEnter, EventType::kAppear}},
      {"leave", {EventType::kLeave, EventType::kVanish}},
      {"vanish", {EventType::kLeave, EventType::kVanish}},
      {"stop", {EventType::kStop, EventType::kEnter, EventType::kLeave, EventType::kCollide}},
      {"start",
       {EventType::kStart, EventType::kStop, EventType::kEnter, EventType::kLeave,
        EventType::kCollide}},
      {"change", {EventType::kChangeColour}},
      {"collide", {EventType::kCollide}}};
  return kMeant.at(verb.substr(0, verb.find(' ')));
}

TEST(Absent, WhatClipsAreFalselyAskedAboutNeverShowsOrNeverHappens) {
  Rng rng(91);
  std::set<std::string> absent, never;
  int all = 0, refused = 0, named = 0;
  for (int i = 0; i < 1500; ++i) {
    Clip c = MakeClip(&rng, 1.2, rng.Range(2, 25));
    for (int k = 0; k < 6; ++k) {
      Qa q;
      if (!AskMoreAboutClip(&rng, c, &q)) continue;
      ++all;
      if (!CannotBeTold(q) || q.form == "clip_off_topic") continue;
      ++refused;
      EXPECT_FALSE(q.is_box);
      EXPECT_LT(q.time_s, 0);
      EXPECT_TRUE(ScoreReply(q, q.answer).correct);
      Said said = Read(q.slots.at("x"));
      ASSERT_GE(said.shape, 0) << q.question;
      if (said.colour >= 0) {
        ++named;
        EXPECT_FALSE(IsHeldOut(said.colour, said.shape)) << q.question;
      }
      if (q.family == "clip_absent") {
        absent.insert(q.form);
        EXPECT_FALSE(EverThere(c, said)) << q.question;
        EXPECT_FALSE(ScoreReply(q, "never").correct);
        continue;
      }
      EXPECT_EQ(q.family, "clip_never");
      never.insert(q.form);
      int who = Who(c, said);
      ASSERT_GE(who, 0) << q.question;
      EXPECT_TRUE(EverThere(c, said)) << q.question;
      EXPECT_TRUE(ScoreReply(q, "It does not.").correct);
      if (q.form != "when") {
        EXPECT_TRUE(StaysInPlace(c, said.shape)) << q.question;
        continue;
      }
      for (const Event& e : c.events) {
        if (e.object == who || e.other == who) {
          EXPECT_EQ(Meant(q.slots.at("v")).count(e.type), 0u) << q.question;
        }
      }
      if (q.slots.at("v") == "start moving") {
        EXPECT_TRUE(StaysInPlace(c, said.shape)) << q.question;
      }
    }
  }
  EXPECT_EQ(absent.size(), 8u);
  EXPECT_EQ(never.size(), 3u);
  EXPECT_GT(named, refused / 6);
  EXPECT_GT(refused, all / 18);
  EXPECT_LT(refused, all / 9);
}

TEST(Absent, TrueQuestionsInTheSameWordsAreFarMore) {
  Rng rng(92);
  std::map<std::string, std::pair<int, int>> forms;  // asked, of them refused
  for (int i = 0; i < 3000; ++i) {
    Clip c = MakeClip(&rng, 1.2, rng.Range(2, 25));
    for (int k = 0; k < 8; ++k) {
      Qa q;
      if (!AskAboutClipForTraining(&rng, c, &q)) continue;
      ++forms[q.form].first;
      forms[q.form].second += CannotBeTold(q);
    }
  }
  for (const auto& [form, n] : forms) {
    if (form == "clip_off_topic") continue;
    EXPECT_LT(n.second, n.first / 6) << form;
  }
  EXPECT_GT(forms["when"].second, 100);
}

TEST(Absent, StillsAreRarelyAskedWhatOnlyAClipCouldTell) {
  Rng rng(93);
  int all = 0, refused = 0;
  std::set<std::string> clip_forms, asked;
  for (const FormWords& f : ClipWords()) clip_forms.insert(f.form);
  for (int i = 0; i < 150; ++i) {
    Scene s = Rendered(&rng);
    for (int k = 0; k < 40; ++k) {
      Qa q;
      if (!AskMore(&rng, s, &q)) continue;
      ++all;
      refused += q.family == "moment" || q.family == "pair_missing";
      if (clip_forms.count(q.form) == 0) continue;
      asked.insert(q.form);
      EXPECT_EQ(q.family, "moment");
      EXPECT_TRUE(CannotBeTold(q)) << q.question;
      EXPECT_TRUE(ScoreReply(q, q.answer).correct);
    }
  }
  EXPECT_GE(asked.size(), 10u);
  EXPECT_GT(refused, all / 40);
  EXPECT_LT(refused, all / 16);
}

}  // namespace
}  // namespace sightline::world
