// Questions about clips.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tools/world/clip.h"

namespace sightline::world {
namespace {

constexpr const char* kSideName[4] = {"the left", "the right", "the top", "the bottom"};

std::string Colour(int c) { return kColourNames[static_cast<size_t>(c)]; }

struct View {
  Rng* rng;
  const Clip& clip;

  // Shapes are unique in a clip, so the shape names an object; its first colour may be added.
  std::string Name(int object, bool canonical = false) const {
    const Object& o = clip.base.objects[static_cast<size_t>(object)];
    bool colour = canonical ||
                  (clip.actors[static_cast<size_t>(object)].colours.size() < 2 && rng->Chance(0.5));
    return "the " + Describe(o, kHasShape | (colour ? kHasColour : 0));
  }
  // "enters from the left"; `bare` is the infinitive for questions with "does".
  std::string Verb(const Event& e, bool bare) const {
    auto v = [bare](const char* base, const char* third) {
      return std::string(bare ? base : third);
    };
    switch (e.type) {
      case EventType::kEnter:
        return v("enter", "enters");
      case EventType::kLeave:
        return v("leave", "leaves");
      case EventType::kStop:
        return v("stop", "stops");
      case EventType::kStart:
        return v("start moving", "starts moving");
      case EventType::kChangeColour:
        return v("change colour", "changes colour");
      case EventType::kCollide:
        return v("collide", "collides") + " with " + Name(e.other);
      case EventType::kAppear:
        return v("appear", "appears");
      default:
        return v("vanish", "vanishes");
    }
  }
  std::string Full(const Event& e, bool subject) const {
    std::string s = subject ? Name(e.object, true) : "it";
    switch (e.type) {
      case EventType::kEnter:
        return s + " enters from " + kSideName[e.to];
      case EventType::kLeave:
        return s + " leaves to " + kSideName[e.to];
      case EventType::kChangeColour:
        return subject ? "the " +
                             std::string(kShapeNames[static_cast<size_t>(
                                 clip.base.objects[static_cast<size_t>(e.object)].shape)]) +
                             " changes from " + Colour(e.from) + " to " + Colour(e.to)
                       : "it changes from " + Colour(e.from) + " to " + Colour(e.to);
      case EventType::kCollide:
        return s + " collides with " + Name(e.other, true);
      default:
        return s + " " + Verb(e, false);
    }
  }
  int CountType(EventType t, int object = -1) const {
    return static_cast<int>(std::count_if(
        clip.events.begin(), clip.events.end(),
        [&](const Event& e) { return e.type == t && (object < 0 || e.object == object); }));
  }
  // Objects that enter, leave or collide also halt or set off, which is no event of its own: not
  // asked about.
  bool Murky(EventType t, int object = -1) const {
    return (t == EventType::kStop || t == EventType::kStart) &&
           std::any_of(clip.events.begin(), clip.events.end(), [&](const Event& e) {
             bool travels = e.type == EventType::kEnter || e.type == EventType::kLeave ||
                            e.type == EventType::kCollide;
             return travels && (object < 0 || e.object == object || e.other == object);
           });
  }
  bool Plain(const Event& e) const {  // named by subject and verb alone
    return e.type != EventType::kChangeColour || CountType(EventType::kChangeColour, e.object) == 1;
  }
};

bool AskWhat(const View& v, Qa* qa) {
  int object = v.rng->Int(static_cast<int>(v.clip.actors.size()));
  static const std::vector<const char*> kWhat = {"what happens to {x}?",
                                                 "what does {x} do?",
                                                 "what is {x} doing?",
                                                 "describe what happens to {x}.",
                                                 "what happens with {x} in the clip?",
                                                 "tell what {x} does."};
  qa->question = Say(v.rng, kWhat, {{"x", v.Name(object)}});
  for (const Event& e : v.clip.events) {
    if (e.object == object) qa->answer += (qa->answer.empty() ? "" : ", then ") + v.Full(e, false);
    if (e.other == object) qa->answer = "it collides with " + v.Name(e.object, true);
  }
  if (qa->answer.empty()) {
    const Leg& leg = v.clip.actors[static_cast<size_t>(object)].legs.front();
    qa->answer = leg.du != 0 || leg.dv != 0 ? "it keeps moving" : "it stays still";
  }
  return true;
}

bool AskWhen(const View& v, Qa* qa) {
  if (v.clip.events.empty()) return false;
  const Event& e = v.rng->Pick(v.clip.events);
  if (!v.Plain(e)) return false;
  static const std::vector<const char*> kWhen = {"when does {x} {v}?",
                                                 "at what time does {x} {v}?",
                                                 "at which second does {x} {v}?",
                                                 "when exactly does {x} {v}?",
                                                 "at what moment does {x} {v}?",
                                                 "how many seconds in does {x} {v}?"};
  qa->question = Say(v.rng, kWhen, {{"x", v.Name(e.object)}, {"v", v.Verb(e, true)}});
  std::vector<double> times = SampleTimes(v.clip.duration_s);
  double shown = times.back();
  for (size_t i = times.size(); i-- > 0 && times[i] >= e.time_s;) shown = times[i];
  char text[32];
  std::snprintf(text, sizeof text, "%.1fs", shown);
  qa->answer = text;
  qa->time_s = e.time_s;
  qa->tolerance_s = std::max(1.0, 1.5 * v.clip.duration_s / SampledFrames(v.clip.duration_s));
  return true;
}

bool AskOrder(const View& v, Qa* qa) {
  if (v.clip.events.size() < 2) return false;
  size_t i = static_cast<size_t>(v.rng->Int(static_cast<int>(v.clip.events.size()))),
         j = static_cast<size_t>(v.rng->Int(static_cast<int>(v.clip.events.size())));
  if (i == j || !v.Plain(v.clip.events[i]) || !v.Plain(v.clip.events[j])) return false;
  const Event &a = v.clip.events[i], &b = v.clip.events[j];
  Slots slots = {{"x", v.Name(a.object)}, {"vx", v.Verb(a, true)}, {"wx", v.Verb(a, false)},
                 {"y", v.Name(b.object)}, {"vy", v.Verb(b, true)}, {"wy", v.Verb(b, false)}};
  if (v.rng->Chance(0.4)) {
    static const std::vector<const char*> kFirst = {"what happens first: {x} {wx} or {y} {wy}?",
                                                    "which comes first, {x} {wx} or {y} {wy}?"};
    // The answer repeats the question's own words.
    std::string q = FillSlots(v.rng->Pick(kFirst), slots);
    qa->question = q;
    qa->answer = i < j ? slots["x"] + " " + slots["wx"] : slots["y"] + " " + slots["wy"];
    return true;
  }
  bool before = v.rng->Chance(0.5);
  static const std::vector<const char*> kBefore = {"does {x} {vx} before {y} {wy}?",
                                                   "is it true that {x} {wx} before {y} {wy}?"};
  static const std::vector<const char*> kAfter = {"does {x} {vx} after {y} {wy}?",
                                                  "is it true that {x} {wx} after {y} {wy}?"};
  qa->question = Say(v.rng, before ? kBefore : kAfter, slots);
  qa->answer = (i < j) == before ? "yes" : "no";
  return true;
}

bool AskHowMany(const View& v, Qa* qa) {
  int which = v.rng->Int(4);
  if (which == 0) {
    int object = v.rng->Int(static_cast<int>(v.clip.actors.size()));
    int n = v.CountType(EventType::kChangeColour, object);
    if (n == 0 && v.rng->Chance(0.7)) return false;
    static const std::vector<const char*> kTimes = {"how many times does {x} change colour?",
                                                    "how often does {x} change colour?",
                                                    "count the colour changes of {x}."};
    qa->question = Say(
        v.rng, kTimes,
        {{"x", "the " + Describe(v.clip.base.objects[static_cast<size_t>(object)], kHasShape)}});
    qa->answer = std::to_string(n);
    return true;
  }
  if (which == 1) {
    static constexpr EventType kTypes[6] = {EventType::kEnter,  EventType::kLeave,
                                            EventType::kStop,   EventType::kAppear,
                                            EventType::kVanish, EventType::kStart};
    EventType t = kTypes[v.rng->Int(6)];
    if (v.Murky(t)) return false;
    static const std::vector<const char*> kMany = {"how many objects {v}?",
                                                   "how many objects {v} in the clip?",
                                                   "count the objects that {v}."};
    qa->question = Say(v.rng, kMany, {{"v", v.Verb({t, 0, 0}, true)}});
    qa->answer = std::to_string(v.CountType(t));
    return true;
  }
  bool end = which == 2;
  std::vector<double> times = SampleTimes(v.clip.duration_s);
  static const std::vector<const char*> kEnds = {
      "how many objects are there at the {e}?",
      "how many objects can you see at the {e} of the clip?", "count the objects at the {e}."};
  qa->question = Say(v.rng, kEnds, {{"e", end ? "end" : "start"}});
  double t = end ? times.back() : times.front();
  Scene s = SceneAt(v.clip, t);
  int n = 0;
  for (const Object& o : s.objects) {
    if (o.u > -0.02 && o.u < 1.02 && o.v > -0.02 && o.v < 1.02)
      ++n;
    else if (o.u > -0.15 && o.u < 1.15 && o.v > -0.15 && o.v < 1.15)
      return false;  // half out: no fair count
  }
  qa->answer = std::to_string(n);
  return true;
}

bool AskColour(const View& v, Qa* qa) {
  int object = v.rng->Int(static_cast<int>(v.clip.actors.size()));
  const auto& colours = v.clip.actors[static_cast<size_t>(object)].colours;
  if (colours.size() < 2 && v.rng->Chance(0.6)) return false;
  bool end = v.rng->Chance(0.6);
  static const std::vector<const char*> kEnd = {
      "what colour is {x} at the end?", "which colour does {x} have in the end?",
      "what colour does {x} become?", "what is the last colour of {x}?"};
  static const std::vector<const char*> kStart = {"what colour is {x} at the start?",
                                                  "which colour does {x} have at first?",
                                                  "what is the first colour of {x}?"};
  qa->question =
      Say(v.rng, end ? kEnd : kStart,
          {{"x", "the " + Describe(v.clip.base.objects[static_cast<size_t>(object)], kHasShape)}});
  qa->answer = Colour(end ? colours.back().second : colours.front().second);
  return true;
}

bool AskDid(const View& v, Qa* qa) {
  int object = v.rng->Int(static_cast<int>(v.clip.actors.size()));
  static constexpr EventType kTypes[7] = {
      EventType::kEnter,  EventType::kLeave, EventType::kStop,        EventType::kAppear,
      EventType::kVanish, EventType::kStart, EventType::kChangeColour};
  EventType t = kTypes[v.rng->Int(7)];
  if (v.rng->Chance(0.5)) {
    for (const Event& e : v.clip.events) {
      if (e.object == object && e.type != EventType::kCollide) t = e.type;
    }
  }
  if (v.Murky(t, object)) return false;
  static const std::vector<const char*> kDid = {"does {x} {v}?", "does {x} {v} in the clip?",
                                                "do you see {x} {v}?", "is it true that {x} {w}?"};
  Event e{t, 0, object};
  qa->question =
      Say(v.rng, kDid, {{"x", v.Name(object)}, {"v", v.Verb(e, true)}, {"w", v.Verb(e, false)}});
  qa->answer = v.CountType(t, object) > 0 ? "yes" : "no";
  return true;
}

bool AskWhere(const View& v, Qa* qa) {
  for (const Event& e : v.clip.events) {
    if ((e.type != EventType::kEnter && e.type != EventType::kLeave) || v.rng->Chance(0.3))
      continue;
    static const std::vector<const char*> kFrom = {"from which side does {x} enter?",
                                                   "where does {x} come from?",
                                                   "from where does {x} enter?"};
    static const std::vector<const char*> kTo = {"to which side does {x} leave?",
                                                 "where does {x} go?",
                                                 "through which side does {x} leave?"};
    qa->question = Say(v.rng, e.type == EventType::kEnter ? kFrom : kTo, {{"x", v.Name(e.object)}});
    qa->answer = kSideName[e.to];
    qa->accepted = {std::string(kSideName[e.to]).substr(4)};
    return true;
  }
  return false;
}

bool AskStory(const View& v, Qa* qa) {
  static const std::vector<const char*> kStory = {
      "what happens in the clip?",     "describe the clip.",
      "what happens in this clip?",    "list the events in order.",
      "what is going on in the clip?", "summarise the clip."};
  qa->question = Say(v.rng, kStory, {});
  for (const Event& e : v.clip.events)
    qa->answer += (qa->answer.empty() ? "" : ", then ") + v.Full(e, true);
  if (qa->answer.empty()) qa->answer = "nothing happens";
  return true;
}

}  // namespace

bool AskAboutClip(Rng* rng, const Clip& clip, Qa* qa) {
  using Ask = bool (*)(const View&, Qa*);
  static constexpr Ask kAsks[] = {AskWhat,   AskWhen, AskOrder, AskHowMany,
                                  AskColour, AskDid,  AskWhere, AskStory};
  static constexpr const char* kNames[] = {"clip_what",   "clip_when", "clip_order", "clip_count",
                                           "clip_colour", "clip_did",  "clip_side",  "clip_story"};
  int i = rng->Weighted({1.6, 2, 1.3, 1.5, 1, 1.2, 0.7, 0.7});
  qa->family = kNames[i];
  return kAsks[i]({rng, clip}, qa);
}

}  // namespace sightline::world
