// What the objects of a clip do: each keeps to a lane of its own, and its events come at times that
// are apart.
#pragma once

#include <vector>

#include "tools/world/clip.h"

namespace sightline::world {

// Where an object may rest: lanes keep actors apart, so that only planned collisions happen.
struct Lanes {
  bool horizontal;
  std::vector<double> centre;
};

struct ClipMaker {
  Rng* rng;
  Clip* clip;
  std::vector<double> free_times;
  Lanes lanes;

  double TakeTime();
  bool HasTime() const { return !free_times.empty(); }
  // A point of lane `lane` at position `along`.
  Leg At(double t, int lane, double along, double speed, bool shown) const;
};

// Event times spread over the clip, at least `gap` apart and clear of both ends.
std::vector<double> EventTimes(Rng* rng, double duration, double gap, int want);

// An object alone on its lane: it enters, leaves, stops, starts, changes colour, appears, vanishes,
// drifts or rests. Its events take free times.
void MakeActor(ClipMaker* m, int lane, int object);
// Objects `first` and the next on one lane meet and bounce.
void MakeCollision(ClipMaker* m, int lane, int first, double ratio);

}  // namespace sightline::world
