// What questions about one scene of shapes are about: objects, masks of attributes, near misses.
#pragma once

#include <string>

#include "tools/world/qa.h"

namespace sightline::world {

// An object that is visible enough to be asked about, the scene's focus by preference; SIZE_MAX
// when none is.
size_t PickFair(Rng* rng, const Scene& s);
// Any object, the focus by preference.
const Object& PickAny(Rng* rng, const Scene& s);
// A set of the attributes a phrase may name.
int RandomMask(Rng* rng);
// Held-out combinations are named only where one stands in the picture: a training question that
// names one would always be answered "no".
bool MayName(const Scene& s, int colour, int shape);
Object RandomObject(Rng* rng, const Scene& s);
// A description that fits nothing here but nearly does: a present object with one attribute
// changed.
bool NearMiss(Rng* rng, const Scene& s, Object* o, int* mask);
// Two different objects and a phrase for each that fits it alone.
bool TwoReferents(Rng* rng, const Scene& s, size_t* i, size_t* j, std::string* a, std::string* b,
                  int avoid = 0);

// Questions about how objects stand to each other (ask_scene_relations.cc).
bool AskCompare(Rng* rng, const Scene& s, Qa* qa);
bool AskRelation(Rng* rng, const Scene& s, Qa* qa);
bool AskNearest(Rng* rng, const Scene& s, Qa* qa);

}  // namespace sightline::world
