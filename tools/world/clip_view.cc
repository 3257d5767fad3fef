#include "tools/world/clip_view.h"

#include <algorithm>
#include <cstdio>
#include <map>

namespace sightline::world {

const char* const kSideName[4] = {"the left", "the right", "the top", "the bottom"};

std::string ColourName(int c) { return kColourNames[static_cast<size_t>(c)]; }

std::string ClipView::Name(int object, bool canonical) const {
  const Object& o = clip.base.objects[static_cast<size_t>(object)];
  bool colour = canonical ||
                (clip.actors[static_cast<size_t>(object)].colours.size() < 2 && rng->Chance(0.5));
  return "the " + Describe(o, kHasShape | (colour ? kHasColour : 0));
}

std::string ClipView::Verb(const Event& e, bool bare) const {
  auto v = [bare](const char* base, const char* third) { return std::string(bare ? base : third); };
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

Slots ClipView::Verbs(const Event& e) const {
  Rng same = *rng;
  std::string bare = Verb(e, true), third = ClipView{&same, clip}.Verb(e, false);
  return {{"v", bare}, {"w", third}, {"p", PastTense(third)}};
}

std::string ClipView::Full(const Event& e, bool subject) const {
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
                           " changes from " + ColourName(e.from) + " to " + ColourName(e.to)
                     : "it changes from " + ColourName(e.from) + " to " + ColourName(e.to);
    case EventType::kCollide:
      return s + " collides with " + Name(e.other, true);
    default:
      return s + " " + Verb(e, false);
  }
}

int ClipView::CountType(EventType t, int object) const {
  return static_cast<int>(std::count_if(
      clip.events.begin(), clip.events.end(),
      [&](const Event& e) { return e.type == t && (object < 0 || e.object == object); }));
}

bool ClipView::Murky(EventType t, int object) const {
  return (t == EventType::kStop || t == EventType::kStart) &&
         std::any_of(clip.events.begin(), clip.events.end(), [&](const Event& e) {
           bool travels = e.type == EventType::kEnter || e.type == EventType::kLeave ||
                          e.type == EventType::kCollide;
           return travels && (object < 0 || e.object == object || e.other == object);
         });
}

void ClipView::AnswerTime(double shown_s, double true_s, Qa* qa) const {
  char text[32];
  std::snprintf(text, sizeof text, "%.1fs", shown_s);
  qa->answer = text;
  qa->time_s = true_s;
  qa->tolerance_s = std::max(1.0, 1.5 * clip.duration_s / SampledFrames(clip.duration_s));
}

bool ClipView::Plain(const Event& e) const {
  return e.type != EventType::kChangeColour || CountType(EventType::kChangeColour, e.object) == 1;
}

EventType ClipView::SomeType() const {
  static constexpr EventType kAll[8] = {
      EventType::kEnter,   EventType::kLeave,  EventType::kStop,         EventType::kStart,
      EventType::kCollide, EventType::kAppear, EventType::kChangeColour, EventType::kVanish};
  if (!clip.events.empty() && rng->Chance(0.6)) return rng->Pick(clip.events).type;
  return kAll[rng->Int(8)];
}

bool ClipView::EverFits(const Object& like, int mask) const {
  for (size_t i = 0; i < clip.actors.size(); ++i) {
    Object o = clip.base.objects[i];
    for (const auto& [t, colour] : clip.actors[i].colours) {
      o.colour = colour;
      if (Matches(o, like, mask)) return true;
    }
  }
  return false;
}

bool Moves(const Actor& actor) {
  return std::any_of(actor.legs.begin(), actor.legs.end(),
                     [](const Leg& l) { return l.shown && (l.du != 0 || l.dv != 0); });
}

std::string PastTense(const std::string& third_person) {
  static const std::map<std::string, std::string> kPast = {
      {"enters", "entered"},   {"leaves", "left"},      {"stops", "stopped"},
      {"starts", "started"},   {"changes", "changed"},  {"collides", "collided"},
      {"appears", "appeared"}, {"vanishes", "vanished"}};
  size_t end = third_person.find(' ');
  auto it = kPast.find(third_person.substr(0, end));
  if (it == kPast.end()) return third_person;
  return it->second + (end == std::string::npos ? "" : third_person.substr(end));
}

}  // namespace sightline::world
