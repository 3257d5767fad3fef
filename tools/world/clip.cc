#include "tools/world/clip.h"

#include <algorithm>
#include <cmath>

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

// Where an object may rest: lanes keep actors apart, so that only planned collisions happen.
struct Lanes {
  bool horizontal;
  std::vector<double> centre;
};

struct Maker {
  Rng* rng;
  Clip* clip;
  double gap_s;  // least time between two events
  std::vector<double> free_times;
  Lanes lanes;

  double TakeTime() {
    double t = free_times.front();
    free_times.erase(free_times.begin());
    return t;
  }
  bool HasTime() const { return !free_times.empty(); }

  // A point of lane `lane` at position `along`.
  Leg At(double t, int lane, double along, double speed, bool shown) const {
    double c = lanes.centre[static_cast<size_t>(lane)];
    if (lanes.horizontal) return {t, along, c, speed, 0, shown};
    return {t, c, along, 0, speed, shown};
  }
  double Along(const Leg& leg, double t) const {
    return lanes.horizontal ? leg.u + leg.du * (t - leg.time_s) : leg.v + leg.dv * (t - leg.time_s);
  }
};

// Event times spread over the clip, at least gap apart and clear of both ends.
std::vector<double> EventTimes(Rng* rng, double duration, double gap, int want) {
  std::vector<double> times;
  double first = std::max(0.8, gap * 0.7), last = duration - std::max(0.8, gap * 0.7);
  int fit = last <= first ? 0 : 1 + static_cast<int>((last - first) / gap);
  int n = std::min(want, fit);
  double slack = last - first - (n - 1) * gap;
  std::vector<double> cuts;
  cuts.reserve(static_cast<size_t>(n));
  times.reserve(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) cuts.push_back(rng->Uniform() * slack);
  std::sort(cuts.begin(), cuts.end());
  for (int i = 0; i < n; ++i) times.push_back(first + i * gap + cuts[static_cast<size_t>(i)]);
  return times;
}

int SideOf(bool horizontal, bool from_low) {
  return horizontal ? (from_low ? 0 : 1) : (from_low ? 2 : 3);
}

void MakeActor(Maker* m, int lane, int object) {
  Rng* rng = m->rng;
  Clip* c = m->clip;
  Actor a;
  double rest = rng->Range(0.2, 0.8), dur = c->duration_s;
  auto& o = c->base.objects[static_cast<size_t>(object)];
  a.colours.push_back({-1, o.colour});
  int kind = m->HasTime() ? rng->Weighted({1.2, 1.2, 1.2, 1.0, 1.6, 1.2, 1.2, 0.7}) : 8;
  double reach = 0.2;  // how far outside an object waits
  switch (kind) {
    case 0: {  // enters
      double t = m->TakeTime(), speed = rng->Range(0.35, 0.6);
      bool low = rng->Chance(0.5);
      double travel = (low ? rest : 1 - rest) / speed, sign = low ? 1 : -1;
      a.legs = {m->At(-1, lane, 0.5, 0, false),
                m->At(t - reach / speed, lane, low ? -reach : 1 + reach, sign * speed, true),
                m->At(t + travel, lane, rest, 0, true)};
      c->events.push_back({EventType::kEnter, t, object, -1, 0, SideOf(m->lanes.horizontal, low)});
      break;
    }
    case 1: {  // leaves
      double t = m->TakeTime(), speed = rng->Range(0.35, 0.6);
      bool low = rng->Chance(0.5);
      double travel = (low ? rest : 1 - rest) / speed, sign = low ? -1 : 1;
      a.legs = {m->At(-1, lane, rest, 0, true),
                m->At(std::max(0.0, t - travel), lane, rest, sign * speed, true),
                m->At(t + reach / speed, lane, 0.5, 0, false)};
      if (t - travel < 0)
        a.legs[0] = m->At(-1, lane, rest, 0, true),
        a.legs[1] = m->At(0, lane, low ? t * speed : 1 - t * speed, sign * speed, true);
      c->events.push_back({EventType::kLeave, t, object, -1, 0, SideOf(m->lanes.horizontal, low)});
      break;
    }
    case 2:
    case 3: {  // stops, or starts: the moving part spans at least 0.25 of the picture
      double t = m->TakeTime();
      double span = kind == 2 ? t : dur - t, room = rng->Range(0.45, 0.65);
      double speed = std::min(0.35, room / span) * (rng->Chance(0.5) ? 1 : -1);
      double begin = speed > 0 ? rng->Range(0.15, 0.85 - std::fabs(speed) * span)
                               : rng->Range(0.15 + std::fabs(speed) * span, 0.85);
      if (kind == 2) {
        a.legs = {m->At(0, lane, begin, speed, true), m->At(t, lane, begin + speed * t, 0, true)};
      } else {
        a.legs = {m->At(0, lane, begin, 0, true), m->At(t, lane, begin, speed, true)};
      }
      c->events.push_back({kind == 2 ? EventType::kStop : EventType::kStart, t, object});
      break;
    }
    case 4: {  // changes colour, once to three times
      a.legs = {m->At(-1, lane, rest, 0, true)};
      int times = rng->Weighted({3, 1.2, 0.8}) + 1;
      for (int i = 0; i < times && m->HasTime(); ++i) {
        double t = m->TakeTime();
        int from = a.colours.back().second, to = from;
        while (to == from || IsHeldOut(to, o.shape)) to = rng->Int(kColours);
        a.colours.push_back({t, to});
        c->events.push_back({EventType::kChangeColour, t, object, -1, from, to});
      }
      break;
    }
    case 5:
    case 6: {  // appears, vanishes
      double t = m->TakeTime();
      a.legs = {m->At(-1, lane, rest, 0, kind == 6), m->At(t, lane, rest, 0, kind == 5)};
      c->events.push_back({kind == 5 ? EventType::kAppear : EventType::kVanish, t, object});
      break;
    }
    default:  // rests or drifts through the whole clip
      if (kind == 7 || rng->Chance(0.4)) {
        double speed = rng->Range(0.4, 0.6) / dur * (rng->Chance(0.5) ? 1 : -1);
        a.legs = {m->At(0, lane, speed > 0 ? rng->Range(0.15, 0.25) : rng->Range(0.75, 0.85), speed,
                        true)};
      } else {
        a.legs = {m->At(-1, lane, rest, 0, true)};
      }
  }
  c->actors.push_back(a);
}

// Two actors on one lane meet and bounce.
void MakeCollision(Maker* m, int lane, int first, double ratio) {
  double t = m->TakeTime();
  Clip* c = m->clip;
  const Object &p = c->base.objects[static_cast<size_t>(first)],
               &q = c->base.objects[static_cast<size_t>(first) + 1];
  double touch = (p.r + q.r) * 0.95 * ratio, mid = m->rng->Range(0.45, 0.55);
  double lead = std::min(t, 2.0), speed = std::min(0.2, 0.26 / lead),
         back = std::min(c->duration_s - t, 2.0);
  for (int k = 0; k < 2; ++k) {
    double sign = k ? -1 : 1, meet = mid - sign * touch / 2;
    Actor a;
    a.colours.push_back(
        {-1, c->base.objects[static_cast<size_t>(first) + static_cast<size_t>(k)].colour});
    a.legs = {m->At(-1, lane, meet - sign * speed * lead, 0, true),
              m->At(t - lead, lane, meet - sign * speed * lead, sign * speed, true),
              m->At(t, lane, meet, -sign * speed * 0.8, true),
              m->At(t + back, lane, meet - sign * speed * 0.8 * back, 0, true)};
    c->actors.push_back(a);
  }
  c->events.push_back({EventType::kCollide, t, first, first + 1});
}

}  // namespace

Clip MakeClip(Rng* rng, double aspect, double duration_s) {
  Clip c;
  c.duration_s = duration_s;
  c.base.aspect = aspect;
  MakeBackdrop(rng, &c.base);
  double interval = duration_s / SampledFrames(duration_s), gap = std::max(1.2, interval * 1.6);
  int n = 1 + rng->Weighted({0.8, 1.5, 2, 1.7, 1});
  Maker m{rng, &c, gap, EventTimes(rng, duration_s, gap, rng->Int(1, 6)), {}};
  rng->Shuffle(
      &m.free_times);  // an actor's event may come at any point; colour changes are sorted below
  m.lanes.horizontal = rng->Chance(0.6);
  double kx = std::sqrt(aspect), along = m.lanes.horizontal ? kx : 1 / kx, across = 1 / along;
  std::vector<int> shapes;
  shapes.reserve(kShapes);
  for (int i = 0; i < kShapes; ++i) shapes.push_back(i);
  rng->Shuffle(&shapes);
  bool collide = n >= 2 && m.HasTime() && rng->Chance(0.25);
  int lanes = collide ? n - 1 : n;
  for (int i = 0; i < lanes; ++i) m.lanes.centre.push_back((i + 0.5) / lanes);
  double lane_r = across / lanes / 2 * 0.92;
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
    c.base.objects.push_back(o);
  }
  int object = 0;
  for (int lane = 0; lane < lanes; ++lane) {
    if (collide && lane == 0) {
      MakeCollision(&m, lane, object, 1 / along);
      object += 2;
    } else {
      std::sort(m.free_times.begin(), m.free_times.end());
      if (m.free_times.size() > 1 && rng->Chance(0.5))
        std::reverse(m.free_times.begin(), m.free_times.begin() + 2);
      MakeActor(&m, lane, object++);
    }
  }
  for (Actor& a : c.actors) {
    // Colours were chained in drawing order: restate them in time order.
    std::sort(a.colours.begin(), a.colours.end());
  }
  std::sort(c.events.begin(), c.events.end(),
            [](const Event& a, const Event& b) { return a.time_s < b.time_s; });
  for (Event& e : c.events) {
    if (e.type != EventType::kChangeColour) continue;
    const auto& colours = c.actors[static_cast<size_t>(e.object)].colours;
    for (size_t i = 1; i < colours.size(); ++i) {
      if (colours[i].first == e.time_s) e.from = colours[i - 1].second, e.to = colours[i].second;
    }
  }
  // A change to the colour it already had would be no event: drop it.
  std::erase_if(c.events, [](const Event& e) {
    return e.type == EventType::kChangeColour && e.from == e.to;
  });
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
