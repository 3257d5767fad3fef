// How questions name what a clip holds.
#pragma once

#include <string>

#include "tools/world/clip.h"

namespace sightline::world {

extern const char* const kSideName[4];  // "the left", "the right", "the top", "the bottom"
std::string ColourName(int colour);

struct ClipView {
  Rng* rng;
  const Clip& clip;

  // Shapes are unique in a clip, so the shape names an object; its first colour may be added.
  std::string Name(int object, bool canonical = false) const;
  // "enters", "collides with the star"; `bare` is the infinitive for questions with "does".
  std::string Verb(const Event& e, bool bare) const;
  // The verb as {v}, {w} and {p}: "enter", "enters", "entered", with one name for its partner.
  Slots Verbs(const Event& e) const;
  // "the red star enters from the left"; without the subject "it enters from the left".
  std::string Full(const Event& e, bool subject) const;
  int CountType(EventType t, int object = -1) const;
  // Objects that enter, leave or collide also halt or set off, which is no event of its own: not
  // asked about.
  bool Murky(EventType t, int object = -1) const;
  // The time a frame shows, right within a second or a frame and a half of the true one.
  void AnswerTime(double shown_s, double true_s, Qa* qa) const;
  bool Plain(const Event& e) const;  // named by subject and verb alone
  int AnyObject() const { return rng->Int(static_cast<int>(clip.actors.size())); }
  // An event's kind that happens here more often than not.
  EventType SomeType() const;
  // Whether an object like this is in the clip at any time, in any of its colours.
  bool EverFits(const Object& like, int mask) const;
};

bool Moves(const Actor& actor);
// A question in the words that AskAboutClip has for its form, or in those of wording_clips.cc.
void AskOfClip(Rng* rng, const char* form, const Slots& slots, Qa* qa);

// Questions that presume what is not so: an object that never shows, an event that never happens
// (ask_clip_absent.cc).
bool AskAbsent(const ClipView& v, Qa* qa);
bool AskNever(const ClipView& v, Qa* qa);

// "entered" of "enters"; what follows the verb stays.
std::string PastTense(const std::string& third_person);

}  // namespace sightline::world
