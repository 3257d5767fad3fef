// Questions with exact answers, and how a reply to them is scored.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "tools/world/scene.h"

namespace sightline::world {

// What fills a template's {places}.
using Slots = std::map<std::string, std::string>;

struct Qa {
  std::string family;  // exist, count, attribute, verify, compare, relation, label, box, caption,
                       // unknown, panel, pair_..., clip_...
  std::string question, answer;
  std::vector<std::string> accepted;  // other right answers
  bool is_box = false;
  Box box;
  double time_s = -1, tolerance_s = 0;       // for times
  std::vector<std::string> caption_objects;  // canonical phrases, for captions
  // How it was asked: which form of question, what about, in which template's words.
  std::string form;
  Slots slots;
  std::string words;
  bool own_words = false;  // the answer repeats the question's words: they stay as they are
};

// Words. `Vary` gives a question another person's wording: synonyms, politeness, case, missing
// question mark.
std::string FillSlots(const std::string& text, const Slots& slots);
void Ask(Rng* rng, const char* form, const std::vector<const char*>& templates, Slots slots,
         Qa* qa);
std::string Vary(Rng* rng, std::string question);
std::string YesNo(bool yes);
inline constexpr std::array<const char*, 11> kNumberWords = {
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"};
void CannotTell(Qa* qa);  // the answer, and other ways to say it
std::string WithArticle(const std::string& noun_phrase);
std::string BoxText(const Box& box);

// Descriptions. A mask is a set of the bits below.
enum : int { kHasSize = 1, kHasFill = 2, kHasColour = 4, kHasShape = 8, kHasLabel = 16 };
std::string Describe(const Object& o, int mask, bool plural = false);
bool Matches(const Object& o, const Object& like, int mask);
int CountMatches(const std::vector<Object>& objects, const Object& like, int mask);
// A phrase ("the red circle") that fits object `index` alone, or "" when there is none.
std::string Refer(Rng* rng, const std::vector<Object>& objects, size_t index, int avoid_mask = 0);

// One question of a family about a rendered scene; false when the scene offers none.
using Asker = bool (*)(Rng* rng, const Scene& scene, Qa* qa);
struct Family {
  const char* name;
  Asker ask;
  double weight;
};
const std::vector<Family>& SceneFamilies();
const std::vector<Family>& PanelFamilies();
bool AskExistShape(Rng* rng, const Scene& scene, int shape, Qa* qa);
bool AskCaption(Rng* rng, const Scene& scene, Qa* qa);
bool AskAboutPair(Rng* rng, const Scene& first, const Scene& second, Qa* qa);
Qa AskRandom(Rng* rng, const Scene& scene);
Qa AskFamily(Rng* rng, const Scene& scene, const std::string& family);  // falls back to exist

// Scores.
struct Score {
  bool correct = false;
  int caption_said = 0, caption_hits = 0, caption_truth = 0;  // object phrases
};
Score ScoreReply(const Qa& qa, const std::string& reply);

}  // namespace sightline::world
