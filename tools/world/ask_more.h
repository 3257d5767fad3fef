// Askers that ask_more.cc draws from and ask_more_lists.cc has: lists, text, what lies beyond.
#pragma once

#include "tools/world/qa.h"

namespace sightline::world {

bool AskList(Rng* rng, const Scene& s, Qa* qa);
bool AskText(Rng* rng, const Scene& s, Qa* qa);
bool AskBackdrop(Rng* rng, const Scene& s, Qa* qa);
bool AskBeyondScene(Rng* rng, const Scene& s, Qa* qa);
// What only a clip could tell.
bool AskMoment(Rng* rng, const Scene& s, Qa* qa);
// "the first image", "the second image" of one still (ask_pair.cc).
bool AskOfNumberedImage(Rng* rng, const Scene& s, Qa* qa);

}  // namespace sightline::world
