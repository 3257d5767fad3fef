// Further forms of questions about one scene of shapes: either-or, extremes, thresholds, places.
#include "tools/world/ask_more.h"

#include <algorithm>
#include <cmath>

#include "tools/world/scene_pick.h"
#include "tools/world/wording.h"

namespace sightline::world {
namespace {

constexpr double kFairShare = 0.45;  // of an object that can be seen

std::string Named(const Object& o) { return WithArticle(Describe(o, kHasColour | kHasShape)); }

bool AllSeen(const Scene& s) {
  return std::all_of(s.objects.begin(), s.objects.end(),
                     [](const Object& o) { return o.visible >= 0.25; });
}

// "is the star yellow or red?"
bool AskEither(Rng* rng, const Scene& s, Qa* qa) {
  size_t i = PickFair(rng, s);
  if (i == SIZE_MAX) return false;
  Object o = s.objects[i], p = rng->Chance(0.5) ? rng->Pick(s.objects) : RandomObject(rng, s);
  int which = rng->Weighted({2, 1.5, 1, 1});
  static constexpr int kBit[4] = {kHasColour, kHasShape, kHasSize, kHasFill};
  if (Matches(o, p, kBit[which])) return false;
  if (which == 0 && !MayName(s, p.colour, o.shape)) return false;
  if (which == 1 && !MayName(s, o.colour, p.shape)) return false;
  std::string the = Refer(rng, s.objects, i, kBit[which]);
  if (the.empty()) return false;
  auto value = [which](const Object& ob) -> std::string {
    return which == 0   ? kColourNames[static_cast<size_t>(ob.colour)]
           : which == 1 ? kShapeNames[static_cast<size_t>(ob.shape)]
           : which == 2 ? kSizeNames[static_cast<size_t>(ob.size)]
                        : kFillNames[static_cast<size_t>(ob.fill)];
  };
  std::string a = value(o), b = value(p);
  qa->answer = a;
  if (rng->Chance(0.5)) std::swap(a, b);
  bool noun = which == 1;
  AskInWords(rng, "either",
             {{"the", the}, {"p", noun ? WithArticle(a) : a}, {"q", noun ? WithArticle(b) : b}},
             qa);
  return true;
}

// "which is bigger, the star or the ring?"
bool AskWhichBigger(Rng* rng, const Scene& s, Qa* qa) {
  size_t i, j;
  std::string a, b;
  if (!TwoReferents(rng, s, &i, &j, &a, &b, kHasSize)) return false;
  const Object &p = s.objects[i], &q = s.objects[j];
  if (p.size == q.size && rng->Chance(0.6)) return false;
  bool bigger = rng->Chance(0.6);
  AskInWords(rng, bigger ? "which_bigger" : "which_smaller", {{"a", a}, {"b", b}}, qa);
  qa->answer = p.size == q.size ? "they are the same size" : (p.size > q.size) == bigger ? a : b;
  return true;
}

// "what is the biggest object?", "which object is on the far left?"
bool AskExtreme(Rng* rng, const Scene& s, Qa* qa) {
  if (s.objects.size() < 2) return false;
  static constexpr const char* kForms[6] = {"biggest",   "smallest", "leftmost",
                                            "rightmost", "topmost",  "bottommost"};
  int which = rng->Int(6);
  auto value = [which](const Object& o) {
    switch (which) {
      case 0:
        return std::log(o.r);
      case 1:
        return -std::log(o.r);
      case 2:
        return -o.box.cx();
      case 3:
        return o.box.cx();
      case 4:
        return -o.box.cy();
      default:
        return o.box.cy();
    }
  };
  std::vector<size_t> order(s.objects.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return value(s.objects[a]) > value(s.objects[b]); });
  const Object &best = s.objects[order[0]], &next = s.objects[order[1]];
  if (value(best) - value(next) < (which < 2 ? 0.15 : 0.07) || best.visible < kFairShare)
    return false;
  if (which < 2 && best.size == next.size) return false;
  AskInWords(rng, kForms[which], {}, qa);
  qa->answer = Named(best);
  return true;
}

// "what is in the top left corner?"
bool AskPlace(Rng* rng, const Scene& s, Qa* qa) {
  bool right = rng->Chance(0.5), low = rng->Chance(0.5);
  const Object* found = nullptr;
  for (const Object& o : s.objects) {
    double x = right ? o.box.cx() : 1 - o.box.cx(), y = low ? o.box.cy() : 1 - o.box.cy();
    if (x < 0.44 || y < 0.44) continue;
    if (x < 0.56 || y < 0.56 || found != nullptr || o.visible < kFairShare) return false;
    found = &o;
  }
  if (found == nullptr && rng->Chance(0.7)) return false;
  std::string corner = std::string(low ? (rng->Chance(0.3) ? "lower" : "bottom")
                                       : (rng->Chance(0.3) ? "upper" : "top")) +
                       (right ? " right" : " left");
  AskInWords(rng, "corner", {{"c", corner}}, qa);
  qa->answer = found == nullptr ? "nothing" : Named(*found);
  return true;
}

// "what is to the left of the star?", where one object alone is, or none
bool AskBeside(Rng* rng, const Scene& s, Qa* qa) {
  size_t i = PickFair(rng, s);
  if (i == SIZE_MAX || s.objects.size() < 2) return false;
  static constexpr const char* kSides[4] = {"to the left of", "to the right of", "above", "below"};
  int side = rng->Int(4);
  const Object* found = nullptr;
  for (size_t k = 0; k < s.objects.size(); ++k) {
    if (k == i) continue;
    const Object &o = s.objects[k], &p = s.objects[i];
    double d = side < 2 ? p.box.cx() - o.box.cx() : p.box.cy() - o.box.cy();
    if (side % 2 == 1) d = -d;
    if (d < -0.05) continue;
    if (d < 0.08 || found != nullptr || o.visible < kFairShare) return false;
    found = &o;
  }
  if (found == nullptr && rng->Chance(0.6)) return false;
  std::string the = Refer(rng, s.objects, i);
  if (the.empty()) return false;
  AskInWords(rng, "beside", {{"the", the}, {"d", kSides[side]}}, qa);
  qa->answer = found == nullptr ? "nothing" : Named(*found);
  return true;
}

// "are there more than three stars?"
bool AskThreshold(Rng* rng, const Scene& s, Qa* qa) {
  Object o = rng->Chance(0.85) ? PickAny(rng, s) : RandomObject(rng, s);
  int mask = rng->Chance(0.4) ? 0 : RandomMask(rng), n = CountMatches(s.objects, o, mask);
  int which = rng->Int(5), k = std::clamp(n + rng->Int(-2, 2), which == 2 ? 1 : 2, 10);
  Slots slots = {{"s", Describe(o, mask, k != 1)},
                 {"k", rng->Chance(0.5) ? kNumberWords[k] : std::to_string(k)},
                 {"are", k == 1 ? "is" : "are"},
                 {"do", k == 1 ? "does" : "do"}};
  static constexpr const char* kForms[5] = {"more_than", "at_least", "exactly", "fewer_than",
                                            "at_most"};
  AskInWords(rng, kForms[which], slots, qa);
  qa->answer = YesNo(which == 0   ? n > k
                     : which == 1 ? n >= k
                     : which == 2 ? n == k
                     : which == 3 ? n < k
                                  : n <= k);
  return true;
}

// "is there a ring and a star?"
bool AskBoth(Rng* rng, const Scene& s, Qa* qa) {
  Slots slots;
  int present = 0;
  for (const char* name : {"a", "b"}) {
    Object o;
    int mask = rng->Chance(0.6) ? kHasShape : kHasColour | kHasShape;
    if (rng->Chance(0.65)) {
      size_t i = PickFair(rng, s);
      if (i == SIZE_MAX) return false;
      o = s.objects[i];
    } else {
      o = RandomObject(rng, s);
    }
    int n = CountMatches(s.objects, o, mask);
    present += n > 0;
    slots[name] = WithArticle(Describe(o, mask));
  }
  if (slots["a"] == slots["b"]) return false;
  bool both = rng->Chance(0.7);
  AskInWords(rng, both ? "both" : "any_of", slots, qa);
  qa->answer = YesNo(both ? present == 2 : present > 0);
  return true;
}

// "are all the stars red?"
bool AskAll(Rng* rng, const Scene& s, Qa* qa) {
  Object o = PickAny(rng, s), p = rng->Chance(0.6) ? o : RandomObject(rng, s);
  int group = rng->Chance(0.6) ? kHasShape : 0, bit = rng->Chance(0.7) ? kHasColour : kHasFill;
  if (group != 0 && bit == kHasColour && !MayName(s, p.colour, o.shape)) return false;
  int n = CountMatches(s.objects, o, group), hits = 0;
  for (const Object& ob : s.objects) hits += Matches(ob, o, group) && Matches(ob, p, bit);
  if (n < 2 || (hits < n && hits > 0 && rng->Chance(0.4))) return false;
  AskInWords(rng, "all",
             {{"s", Describe(o, group, true)},
              {"o", Describe(o, group)},
              {"p", bit == kHasColour ? kColourNames[static_cast<size_t>(p.colour)]
                                      : kFillNames[static_cast<size_t>(p.fill)]}},
             qa);
  qa->answer = YesNo(hits == n);
  return true;
}

// "is there anything purple?", "how many objects are striped?", "which object is small?"
bool AskAnything(Rng* rng, const Scene& s, Qa* qa) {
  static constexpr int kBit[3] = {kHasColour, kHasFill, kHasSize};
  int bit = kBit[rng->Weighted({3, 1, 1})];
  Object o = rng->Chance(0.6) ? PickAny(rng, s) : RandomObject(rng, s);
  std::string p = bit == kHasColour ? kColourNames[static_cast<size_t>(o.colour)]
                  : bit == kHasFill ? kFillNames[static_cast<size_t>(o.fill)]
                                    : kSizeNames[static_cast<size_t>(o.size)];
  int n = CountMatches(s.objects, o, bit), which = rng->Int(3);
  if (which == 2) {
    auto at = std::find_if(s.objects.begin(), s.objects.end(),
                           [&](const Object& ob) { return Matches(ob, o, bit); });
    if (n != 1 || at->visible < kFairShare) return false;
    AskInWords(rng, "which_is", {{"p", p}}, qa);
    qa->answer = Named(*at);
    return true;
  }
  AskInWords(rng, which == 0 ? "anything" : "count_that", {{"p", p}}, qa);
  qa->answer = which == 0 ? YesNo(n > 0) : std::to_string(n);
  return true;
}

}  // namespace

bool AskMore(Rng* rng, const Scene& scene, Qa* qa) {
  static const std::vector<Family> kFamilies = {
      {"either", AskEither, 1.6},      {"bigger", AskWhichBigger, 1.2},
      {"extreme", AskExtreme, 1.4},    {"place", AskPlace, 1},
      {"beside", AskBeside, 1},        {"threshold", AskThreshold, 1.2},
      {"both", AskBoth, 1.2},          {"all", AskAll, 0.7},
      {"anything", AskAnything, 1.2},  {"list", AskList, 1.4},
      {"text", AskText, 0.9},          {"backdrop", AskBackdrop, 0.5},
      {"beyond", AskBeyondScene, 1.1}, {"numbered", AskOfNumberedImage, 0.5},
      {"moment", AskMoment, 0.2}};
  std::vector<double> weights;
  weights.reserve(kFamilies.size());
  for (const Family& f : kFamilies) weights.push_back(f.weight);
  if (!AllSeen(scene)) weights[9] = weights[10] = 0;  // lists name what everyone can see
  for (int t = 0; t < 8; ++t) {
    const Family& f = kFamilies[static_cast<size_t>(rng->Weighted(weights))];
    *qa = {};
    qa->family = f.name;
    if (f.ask(rng, scene, qa)) return true;
  }
  return false;
}

}  // namespace sightline::world
