// Questions about how the objects of a scene stand to each other.
#include <algorithm>
#include <array>
#include <cmath>

#include "tools/world/scene_pick.h"

namespace sightline::world {

bool AskCompare(Rng* rng, const Scene& s, Qa* qa) {
  int which = rng->Int(4);
  if (which < 2) {
    int mask = rng->Chance(0.6) ? kHasShape : kHasColour;
    Object a = PickAny(rng, s), b = rng->Chance(0.75) ? rng->Pick(s.objects) : RandomObject(rng, s);
    if (Matches(a, b, mask)) return false;
    if (rng->Chance(0.5)) std::swap(a, b);
    int na = CountMatches(s.objects, a, mask), nb = CountMatches(s.objects, b, mask);
    Slots slots = {{"x", Describe(a, mask, true)}, {"y", Describe(b, mask, true)}};
    if (which == 0) {
      int kind = rng->Weighted({2, 1, 1});
      static const std::vector<const char*> kMore = {
          "are there more {x} than {y}?", "does the image have more {x} than {y}?",
          "do the {x} outnumber the {y}?", "is the number of {x} greater than the number of {y}?"};
      static const std::vector<const char*> kFewer = {
          "are there fewer {x} than {y}?", "does the image have fewer {x} than {y}?",
          "is the number of {x} smaller than the number of {y}?"};
      static const std::vector<const char*> kSame = {
          "are there as many {x} as {y}?", "is the number of {x} equal to the number of {y}?",
          "are there equally many {x} and {y}?"};
      Ask(rng,
          kind == 0   ? "more"
          : kind == 1 ? "fewer"
                      : "as_many",
          kind == 0   ? kMore
          : kind == 1 ? kFewer
                      : kSame,
          slots, qa);
      qa->answer = YesNo(kind == 0 ? na > nb : kind == 1 ? na < nb : na == nb);
    } else {
      if (na == nb) return false;
      static const std::vector<const char*> kWhich = {"which are there more of, {x} or {y}?",
                                                      "are there more {x} or more {y}?",
                                                      "what is more frequent, {x} or {y}?"};
      Ask(rng, "which_more", kWhich, slots, qa);
      qa->answer = Describe(na > nb ? a : b, mask, true);
    }
    return true;
  }
  size_t i, j;
  std::string a, b;
  bool same = which == 2;
  if (!TwoReferents(rng, s, &i, &j, &a, &b, same ? kHasColour : kHasSize)) return false;
  const Object &p = s.objects[i], &q = s.objects[j];
  if (same) {
    static const std::vector<const char*> kSameColour = {
        "do {a} and {b} have the same colour?", "is {a} the same colour as {b}?",
        "are {a} and {b} of one colour?", "does {a} match {b} in colour?"};
    Ask(rng, "same_colour", kSameColour, {{"a", a}, {"b", b}}, qa);
    qa->answer = YesNo(p.colour == q.colour);
    return true;
  }
  if (p.size == q.size) return false;
  static const std::vector<const char*> kBigger = {
      "is {a} bigger than {b}?", "is {a} larger than {b}?", "is {b} smaller than {a}?",
      "does {a} have a larger size than {b}?"};
  Ask(rng, "bigger", kBigger, {{"a", a}, {"b", b}}, qa);
  qa->answer = YesNo(p.size > q.size);
  return true;
}

bool AskRelation(Rng* rng, const Scene& s, Qa* qa) {
  size_t i, j;
  std::string a, b;
  if (!TwoReferents(rng, s, &i, &j, &a, &b)) return false;
  const Object &p = s.objects[i], &q = s.objects[j];
  double dx = q.u - p.u, dy = q.v - p.v;
  bool over = std::count(s.covers.begin(), s.covers.end(),
                         std::array<int, 2>{static_cast<int>(i), static_cast<int>(j)}) > 0;
  bool under = std::count(s.covers.begin(), s.covers.end(),
                          std::array<int, 2>{static_cast<int>(j), static_cast<int>(i)}) > 0;
  if ((over || under) && rng->Chance(0.6)) {
    static const std::vector<const char*> kFront = {
        "is {a} in front of {b}?", "does {a} cover part of {b}?", "is {b} behind {a}?",
        "is {b} partly hidden by {a}?"};
    Ask(rng, "front", kFront, {{"a", a}, {"b", b}}, qa);
    qa->answer = YesNo(over);
    return true;
  }
  static const char* kSide[4] = {"left", "right", "above", "below"};
  bool horizontal = std::fabs(dx) > 0.11 && (std::fabs(dy) < 0.11 || rng->Chance(0.5));
  if (!horizontal && std::fabs(dy) < 0.11) return false;
  int truth = horizontal ? (dx > 0 ? 0 : 1) : (dy > 0 ? 2 : 3);
  if (rng->Chance(0.25)) {
    static const std::vector<const char*> kWhichH = {"is {a} left or right of {b}?",
                                                     "on which side of {b} is {a}, left or right?",
                                                     "is {a} to the left or to the right of {b}?"};
    static const std::vector<const char*> kWhichV = {
        "is {a} above or below {b}?", "is {a} higher or lower than {b}, above or below?",
        "where is {a} relative to {b}, above or below?"};
    Ask(rng, horizontal ? "side_h" : "side_v", horizontal ? kWhichH : kWhichV, {{"a", a}, {"b", b}},
        qa);
    qa->answer = kSide[truth];
    return true;
  }
  int said = rng->Chance(0.5) ? truth : truth ^ 1;
  static const std::vector<const char*> kIs[4] = {
      {"is {a} left of {b}?", "is {a} to the left of {b}?", "is {b} to the right of {a}?",
       "does {a} lie on the left side of {b}?"},
      {"is {a} right of {b}?", "is {a} to the right of {b}?", "is {b} to the left of {a}?",
       "does {a} lie on the right side of {b}?"},
      {"is {a} above {b}?", "is {a} higher than {b}?", "is {b} below {a}?", "is {a} over {b}?"},
      {"is {a} below {b}?", "is {a} lower than {b}?", "is {b} above {a}?", "is {a} under {b}?"}};
  Ask(rng, kSide[said], kIs[said], {{"a", a}, {"b", b}}, qa);
  qa->answer = YesNo(said == truth);
  return true;
}

bool AskNearest(Rng* rng, const Scene& s, Qa* qa) {
  if (s.objects.size() < 3) return false;
  size_t i = PickFair(rng, s);
  if (i == SIZE_MAX) return false;
  double kx = std::sqrt(s.aspect), best = 1e9, second = 1e9;
  size_t at = 0;
  for (size_t k = 0; k < s.objects.size(); ++k) {
    if (k == i) continue;
    double d =
        std::hypot((s.objects[k].u - s.objects[i].u) * kx, (s.objects[k].v - s.objects[i].v) / kx);
    if (d < best) {
      second = best;
      best = d;
      at = k;
    } else {
      second = std::min(second, d);
    }
  }
  if (second < best * 1.3 || s.objects[at].visible < 0.45) return false;
  std::string the = Refer(rng, s.objects, i);
  if (the.empty()) return false;
  static const std::vector<const char*> kNear = {
      "what is closest to {the}?", "which object is nearest to {the}?", "what is next to {the}?",
      "what is the nearest object to {the}?", "what lies closest to {the}?"};
  Ask(rng, "nearest", kNear, {{"the", the}}, qa);
  qa->answer = WithArticle(Describe(s.objects[at], kHasColour | kHasShape));
  return true;
}

}  // namespace sightline::world
