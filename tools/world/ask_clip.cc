// Questions about clips.
#include <map>

#include "tools/world/clip_view.h"
#include "tools/world/wording.h"

namespace sightline::world {
namespace {

const std::vector<const char*> kWhat = {"what happens to {x}?",
                                        "what does {x} do?",
                                        "what is {x} doing?",
                                        "describe what happens to {x}.",
                                        "what happens with {x} in the clip?",
                                        "tell what {x} does."};
const std::vector<const char*> kWhen = {"when does {x} {v}?",
                                        "at what time does {x} {v}?",
                                        "at which second does {x} {v}?",
                                        "when exactly does {x} {v}?",
                                        "at what moment does {x} {v}?",
                                        "how many seconds in does {x} {v}?"};
const std::vector<const char*> kEnd = {
    "what colour is {x} at the end?", "which colour does {x} have in the end?",
    "what colour does {x} become?", "what is the last colour of {x}?"};
const std::vector<const char*> kStart = {"what colour is {x} at the start?",
                                         "which colour does {x} have at first?",
                                         "what is the first colour of {x}?"};
const std::vector<const char*> kFrom = {"from which side does {x} enter?",
                                        "where does {x} come from?", "from where does {x} enter?"};
const std::vector<const char*> kTo = {"to which side does {x} leave?", "where does {x} go?",
                                      "through which side does {x} leave?"};

bool AskWhat(const ClipView& v, Qa* qa) {
  int object = v.rng->Int(static_cast<int>(v.clip.actors.size()));
  Ask(v.rng, "what", kWhat, {{"x", v.Name(object)}}, qa);
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

bool AskWhen(const ClipView& v, Qa* qa) {
  if (v.clip.events.empty()) return false;
  const Event& e = v.rng->Pick(v.clip.events);
  if (!v.Plain(e)) return false;
  std::string name = v.Name(e.object);
  Slots slots = v.Verbs(e);
  slots["x"] = name;
  Ask(v.rng, "when", kWhen, slots, qa);
  std::vector<double> times = SampleTimes(v.clip.duration_s);
  double shown = times.back();
  for (size_t i = times.size(); i-- > 0 && times[i] >= e.time_s;) shown = times[i];
  v.AnswerTime(shown, e.time_s, qa);
  return true;
}

bool AskOrder(const ClipView& v, Qa* qa) {
  if (v.clip.events.size() < 2) return false;
  size_t i = static_cast<size_t>(v.rng->Int(static_cast<int>(v.clip.events.size()))),
         j = static_cast<size_t>(v.rng->Int(static_cast<int>(v.clip.events.size())));
  if (i == j || !v.Plain(v.clip.events[i]) || !v.Plain(v.clip.events[j])) return false;
  const Event &a = v.clip.events[i], &b = v.clip.events[j];
  Slots slots = {{"x", v.Name(a.object)}, {"vx", v.Verb(a, true)}, {"wx", v.Verb(a, false)},
                 {"y", v.Name(b.object)}, {"vy", v.Verb(b, true)}, {"wy", v.Verb(b, false)}};
  slots["px"] = PastTense(slots["wx"]);
  slots["py"] = PastTense(slots["wy"]);
  if (v.rng->Chance(0.4)) {
    static const std::vector<const char*> kFirst = {"what happens first: {x} {wx} or {y} {wy}?",
                                                    "which comes first, {x} {wx} or {y} {wy}?"};
    // The answer repeats the question's own words.
    qa->own_words = true;
    qa->form = "first_of";
    qa->slots = slots;
    qa->words = v.rng->Pick(kFirst);
    qa->question = FillSlots(qa->words, slots);
    qa->answer = i < j ? slots["x"] + " " + slots["wx"] : slots["y"] + " " + slots["wy"];
    return true;
  }
  bool before = v.rng->Chance(0.5);
  static const std::vector<const char*> kBefore = {"does {x} {vx} before {y} {wy}?",
                                                   "is it true that {x} {wx} before {y} {wy}?"};
  static const std::vector<const char*> kAfter = {"does {x} {vx} after {y} {wy}?",
                                                  "is it true that {x} {wx} after {y} {wy}?"};
  Ask(v.rng, before ? "before" : "after", before ? kBefore : kAfter, slots, qa);
  qa->answer = (i < j) == before ? "yes" : "no";
  return true;
}

bool AskHowMany(const ClipView& v, Qa* qa) {
  int which = v.rng->Int(4);
  if (which == 0) {
    int object = v.rng->Int(static_cast<int>(v.clip.actors.size()));
    int n = v.CountType(EventType::kChangeColour, object);
    if (n == 0 && v.rng->Chance(0.7)) return false;
    static const std::vector<const char*> kTimes = {"how many times does {x} change colour?",
                                                    "how often does {x} change colour?",
                                                    "count the colour changes of {x}."};
    Ask(v.rng, "times_colour", kTimes,
        {{"x", "the " + Describe(v.clip.base.objects[static_cast<size_t>(object)], kHasShape)}},
        qa);
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
    Ask(v.rng, "how_many", kMany, v.Verbs({t, 0, 0}), qa);
    qa->answer = std::to_string(v.CountType(t));
    return true;
  }
  bool end = which == 2;
  std::vector<double> times = SampleTimes(v.clip.duration_s);
  static const std::vector<const char*> kEnds = {
      "how many objects are there at the {e}?",
      "how many objects can you see at the {e} of the clip?", "count the objects at the {e}."};
  Ask(v.rng, "at_end", kEnds, {{"e", end ? "end" : "start"}}, qa);
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

bool AskColour(const ClipView& v, Qa* qa) {
  int object = v.rng->Int(static_cast<int>(v.clip.actors.size()));
  const auto& colours = v.clip.actors[static_cast<size_t>(object)].colours;
  if (colours.size() < 2 && v.rng->Chance(0.6)) return false;
  bool end = v.rng->Chance(0.6);
  Ask(v.rng, end ? "colour_end" : "colour_start", end ? kEnd : kStart,
      {{"x", "the " + Describe(v.clip.base.objects[static_cast<size_t>(object)], kHasShape)}}, qa);
  qa->answer = ColourName(end ? colours.back().second : colours.front().second);
  return true;
}

bool AskDid(const ClipView& v, Qa* qa) {
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
  Slots slots = v.Verbs({t, 0, object});
  slots["x"] = v.Name(object);
  Ask(v.rng, "did", kDid, slots, qa);
  qa->answer = v.CountType(t, object) > 0 ? "yes" : "no";
  return true;
}

bool AskWhere(const ClipView& v, Qa* qa) {
  for (const Event& e : v.clip.events) {
    if ((e.type != EventType::kEnter && e.type != EventType::kLeave) || v.rng->Chance(0.3))
      continue;
    Ask(v.rng, e.type == EventType::kEnter ? "side_from" : "side_to",
        e.type == EventType::kEnter ? kFrom : kTo, {{"x", v.Name(e.object)}}, qa);
    qa->answer = kSideName[e.to];
    qa->accepted = {std::string(kSideName[e.to]).substr(4)};
    return true;
  }
  return false;
}

bool AskStory(const ClipView& v, Qa* qa) {
  static const std::vector<const char*> kStory = {
      "what happens in the clip?",     "describe the clip.",
      "what happens in this clip?",    "list the events in order.",
      "what is going on in the clip?", "summarise the clip."};
  Ask(v.rng, "story", kStory, {}, qa);
  for (const Event& e : v.clip.events)
    qa->answer += (qa->answer.empty() ? "" : ", then ") + v.Full(e, true);
  if (qa->answer.empty()) qa->answer = "nothing happens";
  return true;
}

}  // namespace

void AskOfClip(Rng* rng, const char* form, const Slots& slots, Qa* qa) {
  static const std::map<std::string, const std::vector<const char*>*> kOwn = {
      {"what", &kWhat},          {"when", &kWhen},      {"colour_end", &kEnd},
      {"colour_start", &kStart}, {"side_from", &kFrom}, {"side_to", &kTo}};
  auto it = kOwn.find(form);
  if (it == kOwn.end() || rng->Chance(0.5)) return AskInWords(rng, form, slots, qa);
  Ask(rng, form, *it->second, slots, qa);
}

bool AskAboutClip(Rng* rng, const Clip& clip, Qa* qa) {
  using Ask = bool (*)(const ClipView&, Qa*);
  static constexpr Ask kAsks[] = {AskWhat,   AskWhen, AskOrder, AskHowMany,
                                  AskColour, AskDid,  AskWhere, AskStory};
  static constexpr const char* kNames[] = {"clip_what",   "clip_when", "clip_order", "clip_count",
                                           "clip_colour", "clip_did",  "clip_side",  "clip_story"};
  int i = rng->Weighted({1.6, 2, 1.3, 1.5, 1, 1.2, 0.7, 0.7});
  qa->family = kNames[i];
  return kAsks[i]({rng, clip}, qa);
}

}  // namespace sightline::world
