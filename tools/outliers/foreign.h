// Pictures unlike scenes, to measure the out-of-domain warning with. No picture or generator here
// may be used in training: outlier.cc of the world is for that, and shares none of these kinds.
#pragma once

#include <string>
#include <vector>

#include "tools/world/canvas.h"

namespace sightline::outliers {

using world::Canvas;
using world::Picture;
using world::Rgb;
using world::Rng;

struct Kind {
  const char* family;  // "page", "plot", "noise", "gradient", "map", "texture"
  const char* name;
  void (*draw)(Rng* rng, Canvas* canvas);
};
// The one table of kinds; order is fixed so that seeds keep their pictures.
const std::vector<Kind>& Kinds();

// Size (220 to 640 px a side, aspect 1:2 to 2:1) and content depend on the kind's place in the
// table and the seed alone.
Picture Render(size_t kind, uint64_t seed);

// The tables of each family's file.
extern const std::vector<Kind> kPages, kPlots, kNoises, kGradients, kMaps, kTextures;

}  // namespace sightline::outliers
