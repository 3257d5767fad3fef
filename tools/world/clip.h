// Clips: objects that enter, leave, move, stop, change, collide, appear and vanish, with exact
// event times.
#pragma once

#include "tools/world/qa.h"
#include "tools/world/render.h"

namespace sightline::world {

enum class EventType { kEnter, kLeave, kStop, kStart, kChangeColour, kCollide, kAppear, kVanish };

struct Event {
  EventType type;
  double time_s;
  int object, other = -1;  // other: the second of a collision
  int from = 0, to = 0;    // colours; or the side (0 left, 1 right, 2 top, 3 bottom)
};

struct Leg {  // from time_s on: at (u, v) moving with (du, dv) a second, until the next leg
  double time_s, u, v, du, dv;
  bool shown;
};

struct Actor {
  std::vector<Leg> legs;
  std::vector<std::pair<double, int>> colours;  // time, colour
};

struct Clip {
  Scene base;                 // backdrop and the objects' fixed looks
  std::vector<Actor> actors;  // one per object
  std::vector<Event> events;  // by time
  double duration_s = 0;
};

// Frames a model looks at: clamp(ceil(2 a second), 4, 32), at the middles of equal parts, to 0.1 s.
int SampledFrames(double duration_s);
std::vector<double> SampleTimes(double duration_s);

Clip MakeClip(Rng* rng, double aspect, double duration_s);
Scene SceneAt(const Clip& clip, double time_s);
// Frames share one backdrop; noise and codec artefacts differ.
std::vector<Picture> RenderFrames(const Clip& clip, const std::vector<double>& times_s, int width,
                                  int height);
bool AskAboutClip(Rng* rng, const Clip& clip, Qa* qa);

}  // namespace sightline::world
