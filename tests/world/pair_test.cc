// Questions about one of several stills: their answers against a second reading of the stills.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "tests/world/said.h"
#include "tools/world/ask_more.h"
#include "tools/world/wording.h"

namespace sightline::world {
namespace {

using Stills = std::vector<const Scene*>;

// Which still a question names, from its words: "the second image", "image 2".
size_t StillOf(const Qa& q) {
  const std::string& im = q.slots.at("im");
  static const std::vector<std::vector<std::string>> kNames = {{"first", "1", "one"},
                                                               {"second", "2", "two"},
                                                               {"third", "3", "three"},
                                                               {"fourth", "4", "four"},
                                                               {"fifth", "5", "five"}};
  for (size_t k = 0; k < kNames.size(); ++k) {
    for (const auto& name : kNames[k]) {
      if (im.find(name) != std::string::npos) return k;
    }
  }
  ADD_FAILURE() << im;
  return 0;
}

std::string Which(bool first, bool second) {
  return first && second ? "both" : first ? "the first" : second ? "the second" : "neither";
}

// The answer of a second reading; empty for forms it does not read.
std::string Reread(const Stills& v, const Qa& q) {
  auto yes = [](bool b) { return std::string(b ? "yes" : "no"); };
  if (q.form == "image_count") return std::to_string(v.size());
  if (q.slots.count("im")) {
    size_t k = StillOf(q);
    if (k >= v.size()) return "I can't tell";
    if (q.form == "pair_count") return std::to_string(CountSaid(*v[k], q.slots.at("s")));
    if (q.form == "pair_exist") return yes(CountSaid(*v[k], q.slots.at("s")) > 0);
    return "";
  }
  if (v.size() == 1) return "I can't tell";
  const std::string& s = q.slots.at("s");
  int a = CountSaid(*v[0], s), b = CountSaid(*v[1], s);
  if (q.form == "pair_total" || q.form == "pair_sum") return std::to_string(a + b);
  if (q.form == "pair_more") return Which(a > b, b > a);
  if (q.form == "pair_fewer") return Which(a < b, b < a);
  if (q.form == "pair_same") return yes(a == b);
  if (q.form == "pair_both") return yes(a > 0 && b > 0);
  if (q.form == "pair_which") return Which(a > 0, b > 0);
  return "";
}

// Questions about pairs, and about single stills as if there were more.
void ForMany(int n, const std::function<void(const Stills&, const Qa&)>& look) {
  Rng rng(81);
  Scene last = Rendered(&rng);
  for (int i = 0; i < n; ++i) {
    Scene s = Rendered(&rng);
    for (int k = 0; k < 30; ++k) {
      Qa pair, one;
      if (AskAboutPair(&rng, last, s, &pair)) look({&last, &s}, pair);
      if (AskOfNumberedImage(&rng, s, &one)) look({&s}, one);
    }
    last = std::move(s);
  }
}

TEST(Pairs, AnswersMatchARecount) {
  std::map<std::string, int> read;
  std::set<std::string> forms, which;
  int missing = 0, all = 0;
  ForMany(90, [&](const Stills& v, const Qa& q) {
    forms.insert(q.form);
    EXPECT_TRUE(ScoreReply(q, q.answer).correct) << q.question << " -> " << q.answer;
    if (v.size() == 2) ++all, missing += q.family == "pair_missing";
    std::string again = Reread(v, q);
    if (again.empty()) return;
    ++read[q.form];
    EXPECT_EQ(q.answer, again) << q.question;
    EXPECT_FALSE(q.is_box && again == "I can't tell");
    if (q.form == "pair_which") which.insert(q.answer);
  });
  for (const FormWords& f : PairWords()) EXPECT_EQ(forms.count(f.form), 1u) << f.form;
  EXPECT_EQ(which.size(), 4u);
  EXPECT_GE(read.size(), 18u);
  EXPECT_GT(missing, all / 30);
  EXPECT_LT(missing, all / 8);
}

bool ByPlace(const std::string& the) {
  return the.find("most ") != std::string::npos || the.find("est ") != std::string::npos;
}

const Object* TheOne(const Scene& s, const std::string& the) {
  Said said = Read(the);
  size_t label = the.find("labelled ");
  for (const Object& o : s.objects) {
    if (said.Fits(o) && (label == std::string::npos || o.label == the.substr(label + 9))) return &o;
  }
  return nullptr;
}

TEST(Pairs, AttributesLabelsAndBoxesAreThoseOfTheStillNamed) {
  int absent = 0, seen = 0;
  ForMany(90, [&](const Stills& v, const Qa& q) {
    static const std::set<std::string> kForms = {"pair_colour", "pair_shape", "pair_size",
                                                 "pair_fill",   "pair_label", "pair_box"};
    if (kForms.count(q.form) == 0 || StillOf(q) >= v.size()) return;
    const std::string& the = q.slots.at("the");
    if (ByPlace(the)) return;
    const Object* o = TheOne(*v[StillOf(q)], the);
    ++seen;
    if (q.answer == "I can't tell") {
      EXPECT_FALSE(q.is_box);
      if (q.form == "pair_label") {
        ASSERT_NE(o, nullptr);
        EXPECT_TRUE(o->label.empty()) << q.question;
        return;
      }
      ++absent;
      EXPECT_EQ(o, nullptr) << q.question;
      return;
    }
    ASSERT_NE(o, nullptr) << q.question;
    if (q.form == "pair_label") {
      EXPECT_EQ(q.answer, o->label) << q.question;
    } else if (q.form == "pair_box") {
      EXPECT_GT(Iou(q.box, o->box), 0.999) << q.question;
    } else {
      EXPECT_TRUE(Read(q.answer).Fits(*o)) << q.question << " -> " << q.answer;
    }
  });
  EXPECT_GT(seen, 600);
  EXPECT_GT(absent, seen / 50);
  EXPECT_LT(absent, seen / 8);
}

TEST(Pairs, CaptionsAndTextAreThoseOfTheStillNamed) {
  int captions = 0, texts = 0;
  ForMany(90, [&](const Stills& v, const Qa& q) {
    bool caption = q.form == "pair_caption", text = q.form == "pair_text";
    if ((!caption && !text) || StillOf(q) >= v.size()) return;
    const Scene& s = *v[StillOf(q)];
    if (caption) {
      ++captions;
      EXPECT_EQ(q.family, "caption");
      ASSERT_EQ(q.caption_objects.size(), s.objects.size()) << q.question;
      for (const Object& o : s.objects) {
        EXPECT_EQ(std::count(q.caption_objects.begin(), q.caption_objects.end(), Describe(o, 31)),
                  std::count_if(s.objects.begin(), s.objects.end(), [&](const Object& p) {
                    return Describe(o, 31) == Describe(p, 31);
                  }));
      }
      return;
    }
    ++texts;
    auto labels = std::count_if(s.objects.begin(), s.objects.end(),
                                [](const Object& o) { return !o.label.empty(); });
    EXPECT_EQ(labels, q.answer == "there is no text" ? 0 : 1);
    EXPECT_TRUE(labels == 0 || std::any_of(s.objects.begin(), s.objects.end(),
                                           [&](const Object& o) { return o.label == q.answer; }));
  });
  EXPECT_GT(captions, 60);
  EXPECT_GT(texts, 20);
}

TEST(Pairs, NeverNameAHeldOutCombination) {
  ForMany(90, [](const Stills&, const Qa& q) {
    for (const auto& [name, words] : q.slots) {
      Said said = Read(words);
      if (said.shape >= 0 && said.colour >= 0) {
        EXPECT_FALSE(IsHeldOut(said.colour, said.shape)) << q.question;
      }
    }
  });
}

}  // namespace
}  // namespace sightline::world
