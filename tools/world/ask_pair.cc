// Questions about several stills: counts, comparisons, which of them, and stills that are not
// there.
#include "tools/world/ask_pair.h"

#include <algorithm>
#include <array>

#include "tools/world/ask_more.h"
#include "tools/world/scene_pick.h"
#include "tools/world/wording.h"

namespace sightline::world {
namespace {

constexpr size_t kOrdinalCount = 5;
constexpr std::array<const char*, kOrdinalCount> kOrdinals = {"first", "second", "third", "fourth",
                                                              "fifth"};
constexpr std::array<const char*, kOrdinalCount> kShortOrdinals = {"1st", "2nd", "3rd", "4th",
                                                                   "5th"};

struct Wanted {
  Object like;
  int mask = 0;
  Slots slots() const {
    return {{"s", Describe(like, mask, true)}, {"a", WithArticle(Describe(like, mask))}};
  }
};

// An object of a still, sometimes in another shape. Of all objects, whatever they look like, only
// the number can be asked.
bool PickWanted(const Stills& v, bool number, Wanted* w) {
  Rng* rng = v.rng;
  const Scene& s = *v.scenes[v.Any()];
  w->like = rng->Pick(s.objects);
  w->mask = rng->Chance(0.5) ? kHasShape : rng->Chance(0.5) ? kHasColour : kHasColour | kHasShape;
  if (number && rng->Chance(0.3)) w->mask = 0;
  if (s.panel) return true;
  if (w->mask != 0 && rng->Chance(0.15)) w->mask = RandomMask(rng);
  if (rng->Chance(0.2)) w->like.shape = rng->Int(kShapes);
  return MayName(s, w->like.colour, w->like.shape);
}

int CountIn(const Stills& v, size_t k, const Wanted& w) {
  return CountMatches(v.scenes[k]->objects, w.like, w.mask);
}

bool AskCountIn(const Stills& v, Qa* qa) {
  Wanted w;
  if (!PickWanted(v, true, &w)) return false;
  size_t k = v.Any();
  Slots slots = w.slots();
  slots["im"] = ImageName(v.rng, k);
  AskInWords(v.rng, "pair_count", slots, qa);
  qa->answer = std::to_string(CountIn(v, k, w));
  return true;
}

bool AskExistIn(const Stills& v, Qa* qa) {
  // What is asked of one still alone is there but for a changed shape, and of a panel always.
  const bool one = v.scenes.size() == 1;
  Wanted w;
  if ((one && v.scenes[0]->panel) || !PickWanted(v, false, &w)) return false;
  size_t k = v.Any();
  int n = CountIn(v, k, w);
  if (n > 0 && v.rng->Chance(one ? 0.8 : 0.25)) return false;
  Slots slots = w.slots();
  slots["im"] = ImageName(v.rng, k);
  AskInWords(v.rng, "pair_exist", slots, qa);
  qa->answer = YesNo(n > 0);
  return true;
}

bool AskTotal(const Stills& v, Qa* qa) {
  Wanted w;
  if (!PickWanted(v, true, &w)) return false;
  AskInWords(v.rng, v.rng->Chance(0.6) ? "pair_total" : "pair_sum", w.slots(), qa);
  qa->answer = std::to_string(CountIn(v, 0, w) + CountIn(v, 1, w));
  return true;
}

void AnswerWhich(bool first, bool second, Qa* qa) {
  if (first == second) {
    std::string word = first ? "both" : "neither";
    qa->answer = word;
    qa->accepted = {word + " images", word + " image", word + " of them", "in " + word};
    if (!first) qa->accepted.emplace_back("none");
    return;
  }
  std::string word = first ? "first" : "second";
  qa->answer = "the " + word;
  qa->accepted = {"the " + word + " image", "in the " + word + " image", "in the " + word,
                  "the " + word + " one", first ? "image 1" : "image 2"};
}

// "which image has more stars?"
bool AskCompareStills(const Stills& v, Qa* qa) {
  Wanted w;
  if (!PickWanted(v, true, &w)) return false;
  int a = CountIn(v, 0, w), b = CountIn(v, 1, w);
  int which = v.rng->Weighted({2, 1, 1.2});
  if (which == 2) {
    if (a != b && v.rng->Chance(0.7)) return false;  // as often yes as no
    AskInWords(v.rng, "pair_same", w.slots(), qa);
    qa->answer = YesNo(a == b);
    return true;
  }
  if (a == b && v.rng->Chance(0.85)) return false;
  AskInWords(v.rng, which == 0 ? "pair_more" : "pair_fewer", w.slots(), qa);
  bool first = a != b && (a > b) == (which == 0);
  AnswerWhich(first, a != b && !first, qa);
  if (a == b) qa->accepted.insert(qa->accepted.end(), {"the same", "they have the same number"});
  return true;
}

bool AskInBoth(const Stills& v, Qa* qa) {
  Wanted w;
  if (!PickWanted(v, false, &w)) return false;
  bool both = CountIn(v, 0, w) > 0 && CountIn(v, 1, w) > 0;
  if (!both && v.rng->Chance(0.3)) return false;
  AskInWords(v.rng, "pair_both", w.slots(), qa);
  qa->answer = YesNo(both);
  return true;
}

// "in which image is the red star?"
bool AskWhichStill(const Stills& v, Qa* qa) {
  Wanted w;
  if (!PickWanted(v, false, &w)) return false;
  if (v.rng->Chance(0.12)) w.like = RandomObject(v.rng, *v.scenes[0]);
  int a = CountIn(v, 0, w), b = CountIn(v, 1, w);
  if (a > 0 && b > 0 && v.rng->Chance(0.4)) return false;
  Slots slots = w.slots();
  slots["it"] = a > 1 || b > 1 ? slots["a"] : "the " + Describe(w.like, w.mask);
  AskInWords(v.rng, "pair_which", slots, qa);
  AnswerWhich(a > 0, b > 0, qa);
  return true;
}

bool AskNumberOfStills(const Stills& v, Qa* qa) {
  AskInWords(v.rng, "image_count", {}, qa);
  qa->answer = std::to_string(v.scenes.size());
  return true;
}

// About a third still of two, about the second or both of one.
bool AskMissing(const Stills& v, Qa* qa) {
  Rng* rng = v.rng;
  struct Form {
    const char* form;
    double weight;
    int named;  // what a phrase for the object says at least
  };
  static constexpr int kNamed = kHasColour | kHasShape;
  static constexpr Form kOfOne[] = {{"pair_count", 2.6, 0},        {"pair_exist", 1.5, kHasShape},
                                    {"pair_caption", 0.9, 0},      {"pair_text", 0.3, 0},
                                    {"pair_label", 0.8, kNamed},   {"pair_box", 1.2, kNamed},
                                    {"pair_colour", 1, kHasShape}, {"pair_shape", 0.7, kHasColour},
                                    {"pair_size", 0.4, kNamed},    {"pair_fill", 0.4, kNamed}};
  static constexpr Form kOfBoth[] = {{"pair_total", 1, 0},
                                     {"pair_more", 1, 0},
                                     {"pair_fewer", 0.5, 0},
                                     {"pair_same", 0.6, 0},
                                     {"pair_both", 1, kHasShape}};
  Wanted w;
  if (!PickWanted(v, true, &w)) return false;
  bool both = v.scenes.size() == 1 && rng->Chance(0.35);
  std::vector<Form> forms(both ? std::begin(kOfBoth) : std::begin(kOfOne),
                          both ? std::end(kOfBoth) : std::end(kOfOne));
  if (v.scenes[0]->panel) forms.resize(std::min<size_t>(forms.size(), 6));
  const Form& f = rng->PickByWeight(forms);
  if (w.mask == 0) w.mask = f.named;
  Slots slots = w.slots();
  slots["the"] = "the " + Describe(w.like, f.named);
  size_t k = v.scenes.size() + static_cast<size_t>(rng->Weighted({6, 2, 1}));
  if (!both) slots["im"] = ImageName(rng, k);
  AskInWords(rng, f.form, slots, qa);
  CannotTell(qa);
  qa->accepted.emplace_back(v.scenes.size() == 1 ? "there is only one image"
                                                 : "there are only two images");
  if (!both) qa->accepted.push_back(std::string("there is no ") + kOrdinals[k] + " image");
  return true;
}

struct Form {
  const char* family;
  bool (*ask)(const Stills&, Qa*);
  double weight;
};

bool AskOneOf(const std::vector<Form>& forms, const Stills& v, Qa* qa) {
  const Form& form = v.rng->PickByWeight(forms);
  *qa = {};
  qa->family = form.family;
  return form.ask(v, qa);
}

}  // namespace

std::string ImageName(Rng* rng, size_t k) {
  switch (rng->Weighted({6, 2, 1, 0.6, 0.4})) {
    case 0:
      return std::string("the ") + kOrdinals[k] + " image";
    case 1:
      return "image " + std::to_string(k + 1);
    case 2:
      return std::string("image ") + kNumberWords[k + 1];
    case 3:
      return std::string("the ") + kShortOrdinals[k] + " image";
    default:
      return "image number " + std::to_string(k + 1);
  }
}

bool AskAboutPair(Rng* rng, const Scene& first, const Scene& second, Qa* qa) {
  static const std::vector<Form> kForms = {{"pair_count", AskCountIn, 2},
                                           {"pair_exist", AskExistIn, 1.2},
                                           {"pair_total", AskTotal, 1.2},
                                           {"pair_compare", AskCompareStills, 3},
                                           {"pair_both", AskInBoth, 1},
                                           {"pair_which", AskWhichStill, 1.6},
                                           {"pair_attribute", AskAttributeIn, 2.6},
                                           {"pair_label", AskLabelIn, 1.8},
                                           {"pair_text", AskTextIn, 1},
                                           {"pair_box", AskBoxIn, 1.6},
                                           {"caption", AskCaptionIn, 0.6},
                                           {"pair_missing", AskMissing, 1.1},
                                           {"pair_number", AskNumberOfStills, 0.15}};
  return AskOneOf(kForms, {rng, {&first, &second}}, qa);
}

bool AskOfNumberedImage(Rng* rng, const Scene& s, Qa* qa) {
  static const std::vector<Form> kForms = {
      {"pair_count", AskCountIn, 1.2}, {"pair_exist", AskExistIn, 0.8},
      {"pair_label", AskLabelIn, 0.6}, {"pair_text", AskTextIn, 0.3},
      {"pair_box", AskBoxIn, 0.8},     {"pair_attribute", AskAttributeIn, 1.2},
      {"caption", AskCaptionIn, 0.3},  {"pair_number", AskNumberOfStills, 0.1},
      {"pair_missing", AskMissing, 4}};
  return AskOneOf(kForms, {rng, {&s}}, qa);
}

}  // namespace sightline::world
