// Questions about one of several stills, or about all of them together.
#pragma once

#include <string>
#include <vector>

#include "tools/world/qa.h"

namespace sightline::world {

struct Stills {
  Rng* rng;
  std::vector<const Scene*> scenes;  // in the order they are sent: one or two

  size_t Any() const { return static_cast<size_t>(rng->Int(static_cast<int>(scenes.size()))); }
};

// "the second image", "image 2": of still k, whether it is there or not.
std::string ImageName(Rng* rng, size_t k);

// About an object of one still; some about an object that only another still has
// (ask_pair_more.cc).
bool AskAttributeIn(const Stills& v, Qa* qa);
bool AskLabelIn(const Stills& v, Qa* qa);
bool AskTextIn(const Stills& v, Qa* qa);
bool AskBoxIn(const Stills& v, Qa* qa);
bool AskCaptionIn(const Stills& v, Qa* qa);

}  // namespace sightline::world
