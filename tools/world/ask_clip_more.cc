// Further forms of questions about clips: whether, how often, which, first and last.
#include <algorithm>
#include <cmath>

#include "tools/world/clip_view.h"
#include "tools/world/wording.h"

namespace sightline::world {
namespace {

// "collide", "collides", "collided": without a partner.
Slots Verbs(const ClipView& v, EventType t) {
  if (t == EventType::kCollide) return {{"v", "collide"}, {"w", "collides"}, {"p", "collided"}};
  return v.Verbs({t, 0, 0});
}

bool AskCollide(const ClipView& v, Qa* qa) {
  if (v.clip.actors.size() < 2) return false;
  int a = v.AnyObject(), b = v.AnyObject();
  for (const Event& e : v.clip.events) {
    if (e.type == EventType::kCollide && v.rng->Chance(0.7)) a = e.object, b = e.other;
  }
  if (a == b) return false;
  if (v.rng->Chance(0.5)) std::swap(a, b);
  bool hit = std::any_of(v.clip.events.begin(), v.clip.events.end(), [&](const Event& e) {
    return e.type == EventType::kCollide &&
           ((e.object == a && e.other == b) || (e.object == b && e.other == a));
  });
  AskInWords(v.rng, "collide", {{"x", v.Name(a)}, {"y", v.Name(b)}}, qa);
  qa->answer = YesNo(hit);
  return true;
}

// "what collides with the ring?"
bool AskPartner(const ClipView& v, Qa* qa) {
  int object = v.AnyObject(), partner = -1;
  for (const Event& e : v.clip.events) {
    if (e.type != EventType::kCollide) continue;
    if (v.rng->Chance(0.8)) object = v.rng->Chance(0.5) ? e.object : e.other;
    if (e.object == object || e.other == object) partner = e.object == object ? e.other : e.object;
  }
  if (partner < 0 && v.rng->Chance(0.8)) return false;
  AskInWords(v.rng, "partner", {{"x", v.Name(object)}}, qa);
  qa->answer = partner < 0 ? "nothing" : v.Name(partner, true);
  return true;
}

// Where an object goes that has one direction as long as it moves.
bool AskDirection(const ClipView& v, Qa* qa) {
  int object = v.AnyObject(), side = -1;
  for (const Leg& l : v.clip.actors[static_cast<size_t>(object)].legs) {
    if (!l.shown || (l.du == 0 && l.dv == 0)) continue;
    int to = std::fabs(l.du) > std::fabs(l.dv) ? (l.du < 0 ? 0 : 1) : (l.dv < 0 ? 2 : 3);
    if (side >= 0 && to != side) return false;
    side = to;
  }
  static constexpr const char* kTo[4] = {"left", "right", "up", "down"};
  if (side < 0) return false;
  AskInWords(v.rng, "direction", {{"x", v.Name(object)}}, qa);
  qa->answer = kTo[side];
  return true;
}

bool AskAnyEvent(const ClipView& v, Qa* qa) {
  EventType t = v.SomeType();
  if (v.Murky(t)) return false;
  AskInWords(v.rng, t == EventType::kCollide ? "any_collide" : "any_event", Verbs(v, t), qa);
  qa->answer = YesNo(v.CountType(t) > 0);
  return true;
}

bool AskTimes(const ClipView& v, Qa* qa) {
  EventType t = v.SomeType();
  if (t == EventType::kChangeColour || v.rng->Chance(0.3)) {
    if (t != EventType::kCollide && v.rng->Chance(0.5)) return false;
    AskInWords(v.rng, "count_collide", {}, qa);
    qa->answer = std::to_string(v.CountType(EventType::kCollide));
    return true;
  }
  int object = v.AnyObject();
  if (v.Murky(t, object)) return false;
  auto n = std::count_if(v.clip.events.begin(), v.clip.events.end(), [&](const Event& e) {
    return e.type == t && (e.object == object || e.other == object);
  });
  if (n == 0 && v.rng->Chance(0.5)) return false;
  Slots slots = Verbs(v, t);
  slots["x"] = v.Name(object);
  AskInWords(v.rng, "times_event", slots, qa);
  qa->answer = std::to_string(n);
  return true;
}

bool AskWhich(const ClipView& v, Qa* qa) {
  EventType t = v.SomeType();
  if (v.Murky(t)) return false;
  std::vector<int> who;
  for (const Event& e : v.clip.events) {
    if (e.type != t || std::count(who.begin(), who.end(), e.object) > 0) continue;
    who.push_back(e.object);
    if (e.other >= 0) who.push_back(e.other);
  }
  if (who.size() > 2 || (who.empty() && v.rng->Chance(0.5))) return false;
  AskInWords(v.rng, t == EventType::kCollide ? "which_collide" : "which_event", Verbs(v, t), qa);
  auto name = [&](int object) {  // a colour only where it is the one colour
    const Object& o = v.clip.base.objects[static_cast<size_t>(object)];
    bool one = v.clip.actors[static_cast<size_t>(object)].colours.size() < 2;
    return "the " + Describe(o, one ? kHasColour | kHasShape : kHasShape);
  };
  if (who.empty()) {
    qa->answer = "none";
    return true;
  }
  qa->answer = name(who[0]);
  if (who.size() == 2) {
    qa->accepted = {name(who[1]) + " and " + name(who[0])};
    qa->answer += " and " + name(who[1]);
  } else {
    qa->accepted = {"the " + Describe(v.clip.base.objects[static_cast<size_t>(who[0])], kHasShape)};
  }
  return true;
}

bool AskEnds(const ClipView& v, Qa* qa) {
  if (v.rng->Chance(0.15)) {
    AskInWords(v.rng, "count_events", {}, qa);
    qa->answer = std::to_string(v.clip.events.size());
    return true;
  }
  bool last = v.rng->Chance(0.5);
  AskInWords(v.rng, last ? "last_event" : "first_event", {}, qa);
  const auto& events = v.clip.events;
  qa->answer =
      events.empty() ? "nothing happens" : v.Full(last ? events.back() : events.front(), true);
  return true;
}

bool AskDuration(const ClipView& v, Qa* qa) {
  AskInWords(v.rng, "duration", {}, qa);
  v.AnswerTime(SampleTimes(v.clip.duration_s).back(), v.clip.duration_s, qa);
  return true;
}

bool AskMoves(const ClipView& v, Qa* qa) {
  if (v.rng->Chance(0.3)) {
    AskInWords(v.rng, "anything_moves", {}, qa);
    qa->answer = YesNo(std::any_of(v.clip.actors.begin(), v.clip.actors.end(), Moves));
    return true;
  }
  int object = v.AnyObject();
  AskInWords(v.rng, "moves", {{"x", v.Name(object)}}, qa);
  qa->answer = YesNo(Moves(v.clip.actors[static_cast<size_t>(object)]));
  return true;
}

// "is there a blue diamond in the clip?"
bool AskClipExist(const ClipView& v, Qa* qa) {
  bool yes = v.rng->Chance(0.5), coloured = v.rng->Chance(0.6);
  Object o = v.clip.base.objects[static_cast<size_t>(v.AnyObject())];
  if (!yes) {
    if (coloured && v.rng->Chance(0.5)) {
      o.colour = v.rng->Int(kColours);
    } else {
      o.shape = v.rng->Int(kShapes);
    }
  }
  if (IsHeldOut(o.colour, o.shape)) return false;
  int mask = kHasShape | (coloured ? kHasColour : 0);
  AskInWords(v.rng, "clip_exist", {{"a", WithArticle(Describe(o, mask))}}, qa);
  qa->answer = YesNo(v.EverFits(o, mask));
  return true;
}

bool AskClipList(const ClipView& v, Qa* qa) {
  if (v.rng->Chance(0.5)) {
    AskInWords(v.rng, "clip_objects", {}, qa);
    qa->answer = std::to_string(v.clip.actors.size());
    return true;
  }
  AskInWords(v.rng, "clip_list", {}, qa);
  for (int shape = 0; shape < kShapes; ++shape) {  // in the shapes' own order
    for (const Object& o : v.clip.base.objects) {
      if (o.shape == shape)
        qa->answer += (qa->answer.empty() ? "" : ", ") + WithArticle(Describe(o, kHasShape));
    }
  }
  return true;
}

bool AskClipBeyond(const ClipView& v, Qa* qa) {
  AskInWords(v.rng, "clip_off_topic", {{"x", v.Name(v.AnyObject())}}, qa);
  CannotTell(qa);
  return true;
}

}  // namespace

bool AskMoreAboutClip(Rng* rng, const Clip& clip, Qa* qa) {
  using Ask = bool (*)(const ClipView&, Qa*);
  struct Form {
    const char* family;
    Ask ask;
    double weight;
  };
  static constexpr Form kForms[] = {
      {"clip_collide", AskCollide, 1},       {"clip_partner", AskPartner, 0.5},
      {"clip_any", AskAnyEvent, 1.2},        {"clip_times", AskTimes, 1.4},
      {"clip_which", AskWhich, 1.6},         {"clip_ends", AskEnds, 1.5},
      {"clip_length", AskDuration, 0.3},     {"clip_moves", AskMoves, 0.7},
      {"clip_direction", AskDirection, 0.5}, {"clip_exist", AskClipExist, 1},
      {"clip_list", AskClipList, 0.7},       {"clip_beyond", AskClipBeyond, 0.5},
      {"clip_absent", AskAbsent, 0.5},       {"clip_never", AskNever, 0.5}};
  for (int t = 0; t < 8; ++t) {
    const Form& form = rng->PickByWeight(kForms);
    *qa = {};
    qa->family = form.family;
    if (form.ask({rng, clip}, qa)) return true;
  }
  return false;
}

}  // namespace sightline::world
