#include "tools/world/clip.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tools/world/clip_actors.h"

namespace sightline::world {

int SampledFrames(double duration_s) {
  return std::clamp(static_cast<int>(std::ceil(duration_s * 2 - 1e-9)), 4, 32);
}

std::vector<double> SampleTimes(double duration_s) {
  int n = SampledFrames(duration_s);
  std::vector<double> times;
  times.reserve(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) times.push_back(std::round((i + 0.5) * duration_s / n * 10) / 10);
  return times;
}

namespace {

constexpr double kHidden = 1e9;

// Looks of `n` objects, no two of one shape; none reaches further from its lane's middle than
// `lane_r`.
void MakeLooks(Rng* rng, int n, const std::vector<int>& shapes, double lane_r, Scene* base) {
  for (int i = 0; i < n; ++i) {
    Object o;
    o.shape = shapes[static_cast<size_t>(i)];
    do {
      o.colour = rng->Int(kColours);
    } while (IsHeldOut(o.colour, o.shape));
    o.size = rng->Int(1, 2);
    o.r = std::min(o.size == 2 ? rng->Range(0.135, 0.165) : rng->Range(0.09, 0.11), lane_r);
    if (o.r < 0.12) o.size = 1;
    o.fill = rng->Weighted({2, 1, 1, 1});
    o.angle = rng->Range(-0.15, 0.15);
    o.rgb = ColourRgb(o.colour, rng);
    base->objects.push_back(o);
  }
}

// A lane for each object; the first two share one when they are to collide.
void MakeActors(ClipMaker* m, bool collide, double ratio) {
  int object = 0;
  auto lanes = static_cast<int>(m->lanes.centre.size());
  for (int lane = 0; lane < lanes; ++lane) {
    if (collide && lane == 0) {
      MakeCollision(m, lane, object, ratio);
      object += 2;
    } else {
      std::sort(m->free_times.begin(), m->free_times.end());
      if (m->free_times.size() > 1 && m->rng->Chance(0.5))
        std::reverse(m->free_times.begin(), m->free_times.begin() + 2);
      MakeActor(m, lane, object++);
    }
  }
}

// Colours were chained in drawing order: restates them, and the events that change them, in time
// order.
void PutInTimeOrder(Clip* c) {
  for (Actor& a : c->actors) std::sort(a.colours.begin(), a.colours.end());
  std::sort(c->events.begin(), c->events.end(),
            [](const Event& a, const Event& b) { return a.time_s < b.time_s; });
  for (Event& e : c->events) {
    if (e.type != EventType::kChangeColour) continue;
    const auto& colours = c->actors[static_cast<size_t>(e.object)].colours;
    for (size_t i = 1; i < colours.size(); ++i) {
      if (colours[i].first == e.time_s) e.from = colours[i - 1].second, e.to = colours[i].second;
    }
  }
  // A change to the colour it already had would be no event: drop it.
  std::erase_if(c->events, [](const Event& e) {
    return e.type == EventType::kChangeColour && e.from == e.to;
  });
}

}  // namespace

Clip MakeClip(Rng* rng, double aspect, double duration_s) {
  Clip c;
  c.duration_s = duration_s;
  c.base.aspect = aspect;
  MakeBackdrop(rng, &c.base);
  double interval = duration_s / SampledFrames(duration_s), gap = std::max(1.2, interval * 1.6);
  int n = 1 + rng->Weighted({0.8, 1.5, 2, 1.7, 1});
  ClipMaker m{rng, &c, EventTimes(rng, duration_s, gap, rng->Int(1, 6)), {}};
  // An actor's event may come at any point.
  rng->Shuffle(&m.free_times);
  m.lanes.horizontal = rng->Chance(0.6);
  double kx = std::sqrt(aspect), along = m.lanes.horizontal ? kx : 1 / kx, across = 1 / along;
  std::vector<int> shapes(kShapes);
  std::iota(shapes.begin(), shapes.end(), 0);
  rng->Shuffle(&shapes);
  bool collide = n >= 2 && m.HasTime() && rng->Chance(0.25);
  int lanes = collide ? n - 1 : n;
  for (int i = 0; i < lanes; ++i) m.lanes.centre.push_back((i + 0.5) / lanes);
  MakeLooks(rng, n, shapes, across / lanes / 2 * 0.92, &c.base);
  MakeActors(&m, collide, 1 / along);
  PutInTimeOrder(&c);
  return c;
}

Scene SceneAt(const Clip& clip, double time_s) {
  Scene s = clip.base;
  for (size_t i = 0; i < s.objects.size(); ++i) {
    const Actor& a = clip.actors[i];
    const Leg* leg = &a.legs.front();
    for (const Leg& l : a.legs) {
      if (l.time_s <= time_s) leg = &l;
    }
    Object& o = s.objects[i];
    o.u = leg->u + leg->du * (time_s - leg->time_s);
    o.v = leg->v + leg->dv * (time_s - leg->time_s);
    if (leg == &a.legs.front() && leg->du == 0 && leg->dv == 0) o.u = leg->u, o.v = leg->v;
    if (!leg->shown) o.u = kHidden, o.v = kHidden;
    for (const auto& [t, colour] : a.colours) {
      if (t <= time_s) o.colour = colour;
    }
    if (o.colour != clip.base.objects[i].colour) {
      Rng rng(clip.base.back_seed + i * 31 + static_cast<uint64_t>(o.colour));
      o.rgb = ColourRgb(o.colour, &rng);
    }
  }
  std::erase_if(s.objects, [](const Object& o) { return o.u == kHidden; });
  return s;
}

std::vector<Picture> RenderFrames(const Clip& clip, const std::vector<double>& times_s, int width,
                                  int height) {
  Canvas back(width, height);
  DrawBackdrop(clip.base, &back);
  double side = std::sqrt(static_cast<double>(width) * height);
  std::vector<Picture> frames;
  for (size_t i = 0; i < times_s.size(); ++i) {
    Canvas c = back;
    Scene s = SceneAt(clip, times_s[i]);
    DrawObjects(&s, &c);
    if (clip.base.blur > 0) Blur(&c, std::max(0.2, clip.base.blur * side / 256));
    Rng rng(clip.base.back_seed ^ (i * 977 + 5));
    if (clip.base.noise > 0) AddNoise(&c, clip.base.noise * 0.7, &rng);
    if (clip.base.jpeg > 0) JpegArtefacts(&c, clip.base.jpeg);
    frames.push_back(ToPicture(c));
  }
  return frames;
}

}  // namespace sightline::world
