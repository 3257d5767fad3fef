// Questions about clips that presume what is not so: an object that never shows, an event that
// never happens.
#include <algorithm>

#include "tools/world/clip_view.h"

namespace sightline::world {
namespace {

// A phrase that fits nothing at any time: another shape, or a shape that is there in a colour it
// never has. Empty where none is found.
std::string AbsentName(const ClipView& v, bool shape_alone) {
  for (int t = 0; t < 12; ++t) {
    Object o = v.clip.base.objects[static_cast<size_t>(v.AnyObject())];
    bool other_shape = shape_alone || v.rng->Chance(0.7);
    if (other_shape) {
      o.shape = v.rng->Int(kShapes);
    } else {
      o.colour = v.rng->Int(kColours);
    }
    int mask = kHasShape;
    if (!other_shape || (!shape_alone && v.rng->Chance(0.4))) mask |= kHasColour;
    if (!IsHeldOut(o.colour, o.shape) && !v.EverFits(o, mask)) return "the " + Describe(o, mask);
  }
  return "";
}

// What one would ask of an object that does this.
Slots VerbOf(const ClipView& v, EventType t, int object) {
  int other = v.AnyObject();
  if (other == object) other = (other + 1) % static_cast<int>(v.clip.actors.size());
  return v.Verbs({t, 0, 0, other});
}

// It does so, or what it does may be taken for it.
bool Does(const ClipView& v, EventType t, int object) {
  if (v.Murky(t, object)) return true;
  if (t == EventType::kStart && Moves(v.clip.actors[static_cast<size_t>(object)])) return true;
  auto like = [](EventType a) {
    return a == EventType::kAppear   ? EventType::kEnter
           : a == EventType::kVanish ? EventType::kLeave
                                     : a;
  };
  return std::any_of(v.clip.events.begin(), v.clip.events.end(), [&](const Event& e) {
    return like(e.type) == like(t) && (e.object == object || e.other == object);
  });
}

}  // namespace

bool AskAbsent(const ClipView& v, Qa* qa) {
  struct Form {
    const char* form;
    double weight;
  };
  static constexpr Form kForms[] = {{"when", 3},           {"what", 2.2},      {"colour_end", 0.8},
                                    {"colour_start", 0.5}, {"side_from", 0.2}, {"side_to", 0.2},
                                    {"partner", 0.2},      {"direction", 0.2}};
  const Form& form = v.rng->PickByWeight(kForms);
  const auto which = &form - kForms;
  Slots slots;
  if (which == 0) slots = VerbOf(v, v.SomeType(), -1);
  slots["x"] = AbsentName(v, which == 2 || which == 3);  // its colour is what is asked for
  if (slots["x"].empty()) return false;
  AskOfClip(v.rng, form.form, slots, qa);
  CannotTell(qa);
  return true;
}

bool AskNever(const ClipView& v, Qa* qa) {
  int object = v.AnyObject();
  if (v.rng->Chance(0.08)) {  // where something comes from or goes that stays where it is
    bool enter = v.rng->Chance(0.5);
    if (Moves(v.clip.actors[static_cast<size_t>(object)])) return false;
    AskOfClip(v.rng, enter ? "side_from" : "side_to", {{"x", v.Name(object)}}, qa);
  } else {
    EventType t = v.SomeType();
    if (Does(v, t, object) || (t == EventType::kCollide && v.clip.actors.size() < 2)) return false;
    Slots slots = VerbOf(v, t, object);
    slots["x"] = v.Name(object);
    AskOfClip(v.rng, "when", slots, qa);
  }
  CannotTell(qa);
  qa->accepted.insert(qa->accepted.end(), {"it does not", "it doesn't", "it never does", "never"});
  return true;
}

}  // namespace sightline::world
