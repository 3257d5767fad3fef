// Other people's words for a question. Each form of question ("count", "either", ...) has many ways
// to be asked beside the templates that stand with it; some of them are kept from training, to
// measure whether a person's own wording works (splits wording and wording_clips).
#pragma once

#include <string>
#include <vector>

#include "tools/world/qa.h"

namespace sightline::world {

enum class Wording { kTraining, kUnseen };

struct FormWords {
  const char* form;
  std::vector<const char*> words;
};
// Of training:
const std::vector<FormWords>& StillWords();  // of the forms in qa.h, panels too
const std::vector<FormWords>& PairWords();   // of questions about several stills
const std::vector<FormWords>& MoreWords();   // of the forms below
const std::vector<FormWords>& ClipWords();
std::vector<FormWords> TrainingWords();  // the four together
// Kept from training, of every form.
const std::vector<FormWords>& UnseenWords();
// Of a form; empty for one that has none.
const std::vector<const char*>& WordsOf(const std::string& form, Wording wording);

// Asks the same in other words; false, and nothing changed, when its form has none.
bool Reword(Rng* rng, Wording wording, Qa* qa);
// A question of a form that has no templates but these.
void AskInWords(Rng* rng, const char* form, Slots slots, Qa* qa);

// Forms that the families of qa.h and clip.h lack: either-or, extremes, thresholds, lists, what is
// beyond the picture; of clips whether, how often and which, in either tense, and what presumes
// an object or an event that is not there. False when the scene offers none in a few tries.
bool AskMore(Rng* rng, const Scene& scene, Qa* qa);
bool AskMoreAboutPanel(Rng* rng, const Scene& scene, Qa* qa);
struct Clip;
bool AskMoreAboutClip(Rng* rng, const Clip& clip, Qa* qa);

// What training asks: every form, in its templates or in other words.
Qa AskForTraining(Rng* rng, const Scene& scene);
bool AskAboutPairForTraining(Rng* rng, const Scene& first, const Scene& second, Qa* qa);
bool AskAboutClipForTraining(Rng* rng, const Clip& clip, Qa* qa);
// What the two splits ask: every form, in words kept from training.
bool AskUnseen(Rng* rng, const Scene& scene, Qa* qa);
bool AskAboutClipUnseen(Rng* rng, const Clip& clip, Qa* qa);

}  // namespace sightline::world
