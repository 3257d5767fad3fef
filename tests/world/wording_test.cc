// Other words and further forms: kept apart where they must be, and true.
#include "tools/world/wording.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "tests/world/said.h"
#include "tools/world/clip.h"

namespace sightline::world {
namespace {

// Questions of a few hundred scenes, panels, pairs and clips.
void ForMany(int n, const std::function<void(const Qa&)>& look,
             const std::function<bool(Rng*, const Scene&, Qa*)>& still,
             bool (*clip)(Rng*, const Clip&, Qa*)) {
  Rng rng(71);
  for (int i = 0; i < n; ++i) {
    Scene s = i % 4 == 0 ? MakePanel(&rng, 1.2) : Rendered(&rng);
    if (s.objects.empty()) continue;
    if (s.panel) Render(&s, 280, 233);
    Clip c = MakeClip(&rng, 1.2, rng.Range(2, 20));
    for (int k = 0; k < 6; ++k) {
      Qa q, r;
      if (still(&rng, s, &q)) look(q);
      if (clip(&rng, c, &r)) look(r);
    }
  }
}

TEST(Wording, FormsHaveWordsEnoughAndNoneTwice) {
  std::set<std::string> forms;
  for (const FormWords& f : TrainingWords()) {
    EXPECT_TRUE(forms.insert(f.form).second) << f.form;
    const auto& unseen = WordsOf(f.form, Wording::kUnseen);
    EXPECT_GE(f.words.size(), 3u) << f.form;
    EXPECT_GE(unseen.size(), 2u) << f.form;
    std::set<std::string> words(f.words.begin(), f.words.end());
    words.insert(unseen.begin(), unseen.end());
    EXPECT_EQ(words.size(), f.words.size() + unseen.size()) << f.form;
  }
  EXPECT_EQ(forms.size(), UnseenWords().size());
}

TEST(Wording, EveryQuestionOfTrainingCanBeAskedInUnseenWords) {
  std::set<std::string> unseen;
  for (const FormWords& f : UnseenWords()) unseen.insert(f.words.begin(), f.words.end());
  std::set<std::string> used, forms;
  auto look = [&](const Qa& q) {
    used.insert(q.words);
    forms.insert(q.form);
    EXPECT_FALSE(WordsOf(q.form, Wording::kUnseen).empty()) << q.form << ": " << q.question;
    EXPECT_EQ(q.question.find_first_of("{}"), std::string::npos) << q.question;
    EXPECT_EQ(q.question.find("  "), std::string::npos) << q.question;
    EXPECT_FALSE(q.answer.empty()) << q.question;
    EXPECT_TRUE(ScoreReply(q, q.answer).correct) << q.question << " -> " << q.answer;
  };
  ForMany(
      600, look,
      [](Rng* rng, const Scene& s, Qa* qa) {
        *qa = AskForTraining(rng, s);
        return true;
      },
      AskAboutClipForTraining);
  Rng rng(72);
  Scene a = Rendered(&rng);
  for (int i = 0; i < 1000; ++i) {
    Scene b = Rendered(&rng);
    for (int k = 0; k < 3; ++k) {
      Qa qa;
      if (AskAboutPairForTraining(&rng, a, b, &qa)) look(qa);
    }
    look(AskFamily(&rng, b, "relation"));  // objects that cover each other are few
    a = std::move(b);
  }
  for (const std::string& w : used) EXPECT_EQ(unseen.count(w), 0u) << w;
  for (const FormWords& f : TrainingWords()) EXPECT_EQ(forms.count(f.form), 1u) << f.form;
}

TEST(Wording, UnseenWordsLeaveNoPlaceUnfilled) {
  ForMany(
      200,
      [](const Qa& q) {
        EXPECT_EQ(q.question.find_first_of("{}"), std::string::npos) << q.question;
        EXPECT_EQ(q.question.find("  "), std::string::npos) << q.form << ": " << q.question;
        EXPECT_NE(q.question.front(), ' ') << q.form << ": " << q.question;
      },
      AskUnseen, AskAboutClipUnseen);
}

int Number(const std::string& word) {
  auto it = std::find(kNumberWords.begin(), kNumberWords.end(), word);
  return it != kNumberWords.end() ? static_cast<int>(it - kNumberWords.begin()) : std::stoi(word);
}

// The answer of a second reading; empty for forms it does not read.
std::string Reread(const Scene& s, const Qa& q) {
  auto slot = [&q](const char* name) { return q.slots.at(name); };
  auto yes = [](bool b) { return std::string(b ? "yes" : "no"); };
  if (q.form == "more_than") return yes(CountSaid(s, slot("s")) > Number(slot("k")));
  if (q.form == "at_least") return yes(CountSaid(s, slot("s")) >= Number(slot("k")));
  if (q.form == "exactly") return yes(CountSaid(s, slot("s")) == Number(slot("k")));
  if (q.form == "fewer_than") return yes(CountSaid(s, slot("s")) < Number(slot("k")));
  if (q.form == "at_most") return yes(CountSaid(s, slot("s")) <= Number(slot("k")));
  if (q.form == "both") return yes(CountSaid(s, slot("a")) > 0 && CountSaid(s, slot("b")) > 0);
  if (q.form == "any_of") return yes(CountSaid(s, slot("a")) > 0 || CountSaid(s, slot("b")) > 0);
  if (q.form == "anything") return yes(CountSaid(s, slot("p")) > 0);
  if (q.form == "count_that") return std::to_string(CountSaid(s, slot("p")));
  if (q.form == "all")
    return yes(CountSaid(s, slot("o")) == CountSaid(s, slot("p") + " " + slot("o")));
  std::set<int> colours, shapes;
  int labels = 0;
  for (const Object& o : s.objects) {
    colours.insert(o.colour);
    shapes.insert(o.shape);
    labels += !o.label.empty();
  }
  if (q.form == "count_colours") return std::to_string(colours.size());
  if (q.form == "count_shapes") return std::to_string(shapes.size());
  if (q.form == "one_colour") return yes(colours.size() == 1);
  if (q.form == "one_shape") return yes(shapes.size() == 1);
  if (q.form == "has_text") return yes(labels > 0);
  if (q.form == "count_text") return std::to_string(labels);
  return "";
}

TEST(Wording, FurtherFormsAreTrueOfTheScene) {
  Rng rng(73);
  int read = 0;
  for (int i = 0; i < 300; ++i) {
    Scene s = Rendered(&rng);
    for (int k = 0; k < 6; ++k) {
      Qa q;
      if (!AskMore(&rng, s, &q)) continue;
      if (std::string again = Reread(s, q); !again.empty()) {
        ++read;
        EXPECT_EQ(q.answer, again) << q.question;
      }
      if (q.form == "either") {
        EXPECT_NE((q.slots["p"] + q.slots["q"]).find(q.answer), std::string::npos) << q.question;
      }
      if (q.form == "leftmost" || q.form == "rightmost") {
        Said said = Read(q.answer);
        auto far = std::max_element(s.objects.begin(), s.objects.end(), [&](auto& a, auto& b) {
          return q.form == "leftmost" ? a.box.cx() > b.box.cx() : a.box.cx() < b.box.cx();
        });
        EXPECT_TRUE(said.Fits(*far)) << q.question << " -> " << q.answer;
      }
      if (q.form == "biggest") {
        Said said = Read(q.answer);
        auto big = std::max_element(s.objects.begin(), s.objects.end(),
                                    [](auto& a, auto& b) { return a.r < b.r; });
        EXPECT_TRUE(said.Fits(*big)) << q.question << " -> " << q.answer;
      }
    }
  }
  EXPECT_GT(read, 400);
}

TEST(Wording, FurtherFormsNeverNameAHeldOutCombination) {
  Rng rng(74);
  for (int i = 0; i < 300; ++i) {
    Scene s = Rendered(&rng);
    for (int k = 0; k < 6; ++k) {
      Qa q;
      if (!AskMore(&rng, s, &q)) continue;
      for (const auto& [name, words] : q.slots) {
        Said said = Read(words);
        if (said.shape >= 0 && said.colour >= 0) {
          EXPECT_FALSE(IsHeldOut(said.colour, said.shape)) << q.question;
        }
      }
      if (q.form == "all" && Read(q.slots["p"]).colour >= 0 && Read(q.slots["s"]).shape >= 0) {
        EXPECT_FALSE(IsHeldOut(Read(q.slots["p"]).colour, Read(q.slots["s"]).shape)) << q.question;
      }
    }
  }
}

TEST(Wording, ClipsFurtherFormsAreTrueOfTheEvents) {
  Rng rng(75);
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    Clip c = MakeClip(&rng, 1.0, rng.Range(3, 25));
    for (int k = 0; k < 4; ++k) {
      Qa q;
      if (!AskMoreAboutClip(&rng, c, &q)) continue;
      auto hits = std::count_if(c.events.begin(), c.events.end(),
                                [](const Event& e) { return e.type == EventType::kCollide; });
      seen.insert(q.form);
      if (q.form == "any_collide") {
        EXPECT_EQ(q.answer, hits > 0 ? "yes" : "no");
      }
      if (q.form == "count_collide") {
        EXPECT_EQ(q.answer, std::to_string(hits));
      }
      if (q.form == "count_events") {
        EXPECT_EQ(q.answer, std::to_string(c.events.size()));
      }
      if (q.form == "partner" && q.family != "clip_absent") {
        EXPECT_EQ(
            q.answer == "nothing", std::none_of(c.events.begin(), c.events.end(), [&](auto& e) {
              auto is = [&](int o) {
                return o >= 0 &&
                       Read(q.slots["x"]).shape == c.base.objects[static_cast<size_t>(o)].shape;
              };
              return e.type == EventType::kCollide && (is(e.object) || is(e.other));
            }));
      }
      if (q.form == "clip_objects") {
        EXPECT_EQ(q.answer, std::to_string(c.actors.size()));
      }
      if (q.form == "first_event" && c.events.empty()) {
        EXPECT_EQ(q.answer, "nothing happens");
      }
      if (q.form == "which_collide") {
        EXPECT_EQ(q.answer == "none", hits == 0);
      }
      if (q.form == "duration") {
        EXPECT_EQ(q.time_s, c.duration_s);
      }
    }
  }
  EXPECT_GE(seen.size(), 16u);
}

}  // namespace
}  // namespace sightline::world
