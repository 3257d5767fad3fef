#include "tools/world/scene_pick.h"

#include <algorithm>

namespace sightline::world {

size_t PickFair(Rng* rng, const Scene& s) {
  if (s.focus >= 0 && s.objects[static_cast<size_t>(s.focus)].visible >= 0.45 && rng->Chance(0.8))
    return static_cast<size_t>(s.focus);
  std::vector<size_t> fair;
  for (size_t i = 0; i < s.objects.size(); ++i) {
    if (s.objects[i].visible >= 0.45) fair.push_back(i);
  }
  return fair.empty() ? SIZE_MAX : rng->Pick(fair);
}

int RandomMask(Rng* rng) {
  static const std::vector<int> kMasks = {kHasShape,
                                          kHasColour,
                                          kHasFill,
                                          kHasSize,
                                          kHasColour | kHasShape,
                                          kHasFill | kHasShape,
                                          kHasSize | kHasShape,
                                          kHasSize | kHasColour,
                                          kHasFill | kHasColour,
                                          kHasSize | kHasColour | kHasShape,
                                          kHasFill | kHasColour | kHasShape,
                                          15};
  static const std::vector<double> kWeights = {3, 2, 1, 1, 4, 1, 1, 0.7, 0.7, 1, 1, 0.4};
  return kMasks[static_cast<size_t>(rng->Weighted(kWeights))];
}

const Object& PickAny(Rng* rng, const Scene& s) {
  return s.focus >= 0 && rng->Chance(0.6) ? s.objects[static_cast<size_t>(s.focus)]
                                          : rng->Pick(s.objects);
}

bool MayName(const Scene& s, int colour, int shape) {
  return !IsHeldOut(colour, shape) ||
         std::any_of(s.objects.begin(), s.objects.end(),
                     [](const Object& o) { return IsHeldOut(o.colour, o.shape); });
}

Object RandomObject(Rng* rng, const Scene& s) {
  Object o;
  do {
    o.shape = rng->Int(kShapes);
    o.colour = rng->Int(kColours);
  } while (!MayName(s, o.colour, o.shape));
  o.size = rng->Int(kSizes);
  o.fill = rng->Int(kFills);
  return o;
}

bool NearMiss(Rng* rng, const Scene& s, Object* o, int* mask) {
  for (int t = 0; t < 20; ++t) {
    *mask = RandomMask(rng);
    *o = PickAny(rng, s);
    Object r = rng->Chance(0.6) ? rng->Pick(s.objects) : RandomObject(rng, s);
    int bit = 1 << rng->Int(4);
    if (!(*mask & bit)) continue;
    if (bit == kHasSize) o->size = r.size;
    if (bit == kHasFill) o->fill = r.fill;
    if (bit == kHasColour) o->colour = r.colour;
    if (bit == kHasShape) o->shape = r.shape;
    if (MayName(s, o->colour, o->shape) && CountMatches(s.objects, *o, *mask) == 0) return true;
  }
  return false;
}

bool TwoReferents(Rng* rng, const Scene& s, size_t* i, size_t* j, std::string* a, std::string* b,
                  int avoid) {
  if (s.objects.size() < 2) return false;
  *i = PickFair(rng, s);
  *j = PickFair(rng, s);
  if (*i == SIZE_MAX || *i == *j) return false;
  *a = Refer(rng, s.objects, *i, avoid);
  *b = Refer(rng, s.objects, *j, avoid);
  return !a->empty() && !b->empty();
}

}  // namespace sightline::world
