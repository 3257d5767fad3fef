#include "tools/world/clip_actors.h"

#include <algorithm>
#include <cmath>

namespace sightline::world {

double ClipMaker::TakeTime() {
  double t = free_times.front();
  free_times.erase(free_times.begin());
  return t;
}

Leg ClipMaker::At(double t, int lane, double along, double speed, bool shown) const {
  double c = lanes.centre[static_cast<size_t>(lane)];
  if (lanes.horizontal) return {t, along, c, speed, 0, shown};
  return {t, c, along, 0, speed, shown};
}

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

namespace {

constexpr double kReach = 0.2;  // how far outside an object waits

// In the order of MakeActor's weights; kRest is what is left when every time is taken.
enum class Deed { kEnter, kLeave, kStop, kStart, kChangeColour, kAppear, kVanish, kDrift, kRest };

struct Part {
  int lane, object;
  double rest;  // where along the lane it stands when it does not move
};

int SideOf(bool horizontal, bool from_low) {
  return horizontal ? (from_low ? 0 : 1) : (from_low ? 2 : 3);
}

void Enter(ClipMaker* m, const Part& p, Actor* a) {
  double t = m->TakeTime(), speed = m->rng->Range(0.35, 0.6);
  bool low = m->rng->Chance(0.5);
  double travel = (low ? p.rest : 1 - p.rest) / speed, sign = low ? 1 : -1;
  a->legs = {m->At(-1, p.lane, 0.5, 0, false),
             m->At(t - kReach / speed, p.lane, low ? -kReach : 1 + kReach, sign * speed, true),
             m->At(t + travel, p.lane, p.rest, 0, true)};
  m->clip->events.push_back(
      {EventType::kEnter, t, p.object, -1, 0, SideOf(m->lanes.horizontal, low)});
}

void Leave(ClipMaker* m, const Part& p, Actor* a) {
  double t = m->TakeTime(), speed = m->rng->Range(0.35, 0.6);
  bool low = m->rng->Chance(0.5);
  double travel = (low ? p.rest : 1 - p.rest) / speed, sign = low ? -1 : 1;
  a->legs = {m->At(-1, p.lane, p.rest, 0, true),
             m->At(std::max(0.0, t - travel), p.lane, p.rest, sign * speed, true),
             m->At(t + kReach / speed, p.lane, 0.5, 0, false)};
  // Too early to start from rest: it is on its way when the clip begins.
  if (t - travel < 0)
    a->legs[1] = m->At(0, p.lane, low ? t * speed : 1 - t * speed, sign * speed, true);
  m->clip->events.push_back(
      {EventType::kLeave, t, p.object, -1, 0, SideOf(m->lanes.horizontal, low)});
}

// The moving part spans at least 0.25 of the picture.
void StopOrStart(ClipMaker* m, const Part& p, bool stops, Actor* a) {
  Rng* rng = m->rng;
  double t = m->TakeTime();
  double span = stops ? t : m->clip->duration_s - t, room = rng->Range(0.45, 0.65);
  double speed = std::min(0.35, room / span) * (rng->Chance(0.5) ? 1 : -1);
  double begin = speed > 0 ? rng->Range(0.15, 0.85 - std::fabs(speed) * span)
                           : rng->Range(0.15 + std::fabs(speed) * span, 0.85);
  if (stops) {
    a->legs = {m->At(0, p.lane, begin, speed, true), m->At(t, p.lane, begin + speed * t, 0, true)};
  } else {
    a->legs = {m->At(0, p.lane, begin, 0, true), m->At(t, p.lane, begin, speed, true)};
  }
  m->clip->events.push_back({stops ? EventType::kStop : EventType::kStart, t, p.object});
}

// Once to three times.
void ChangeColour(ClipMaker* m, const Part& p, Actor* a) {
  a->legs = {m->At(-1, p.lane, p.rest, 0, true)};
  int shape = m->clip->base.objects[static_cast<size_t>(p.object)].shape;
  int times = m->rng->Weighted({3, 1.2, 0.8}) + 1;
  for (int i = 0; i < times && m->HasTime(); ++i) {
    double t = m->TakeTime();
    int from = a->colours.back().second, to = from;
    while (to == from || IsHeldOut(to, shape)) to = m->rng->Int(kColours);
    a->colours.push_back({t, to});
    m->clip->events.push_back({EventType::kChangeColour, t, p.object, -1, from, to});
  }
}

void AppearOrVanish(ClipMaker* m, const Part& p, bool appears, Actor* a) {
  double t = m->TakeTime();
  a->legs = {m->At(-1, p.lane, p.rest, 0, !appears), m->At(t, p.lane, p.rest, 0, appears)};
  m->clip->events.push_back({appears ? EventType::kAppear : EventType::kVanish, t, p.object});
}

// Through the whole clip.
void Drift(ClipMaker* m, const Part& p, Actor* a) {
  Rng* rng = m->rng;
  double speed = rng->Range(0.4, 0.6) / m->clip->duration_s * (rng->Chance(0.5) ? 1 : -1);
  double begin = speed > 0 ? rng->Range(0.15, 0.25) : rng->Range(0.75, 0.85);
  a->legs = {m->At(0, p.lane, begin, speed, true)};
}

}  // namespace

void MakeActor(ClipMaker* m, int lane, int object) {
  Actor a;
  Part p{lane, object, m->rng->Range(0.2, 0.8)};
  a.colours.push_back({-1, m->clip->base.objects[static_cast<size_t>(object)].colour});
  Deed deed = Deed::kRest;
  if (m->HasTime())
    deed = static_cast<Deed>(m->rng->Weighted({1.2, 1.2, 1.2, 1.0, 1.6, 1.2, 1.2, 0.7}));
  if (deed == Deed::kRest && m->rng->Chance(0.4)) deed = Deed::kDrift;
  switch (deed) {
    case Deed::kEnter:
      Enter(m, p, &a);
      break;
    case Deed::kLeave:
      Leave(m, p, &a);
      break;
    case Deed::kStop:
    case Deed::kStart:
      StopOrStart(m, p, deed == Deed::kStop, &a);
      break;
    case Deed::kChangeColour:
      ChangeColour(m, p, &a);
      break;
    case Deed::kAppear:
    case Deed::kVanish:
      AppearOrVanish(m, p, deed == Deed::kAppear, &a);
      break;
    case Deed::kDrift:
      Drift(m, p, &a);
      break;
    case Deed::kRest:
      a.legs = {m->At(-1, lane, p.rest, 0, true)};
  }
  m->clip->actors.push_back(a);
}

void MakeCollision(ClipMaker* m, int lane, int first, double ratio) {
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

}  // namespace sightline::world
