// The stills that a batch holds: those that training sees, or those by which weights are compared.
#pragma once

#include "tools/world/world.h"

namespace sightline::world {

// Training and the iid split draw alike; only kHeldout holds combinations that training never
// shows or names.
enum class StillSource { kTraining, kIid, kHeldout };

Scene MakeStill(Rng* rng, double aspect, StillSource source, bool panels);
// Held-out scenes ask about the held-out object. For rendered scenes.
void ChooseFocus(StillSource source, Scene* scene);

}  // namespace sightline::world
