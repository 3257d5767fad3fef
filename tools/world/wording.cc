#include "tools/world/wording.h"

#include <map>

#include "tools/world/clip.h"
#include "tools/world/indirect.h"

namespace sightline::world {
namespace {

constexpr double kMoreShare = 0.3, kRewordShare = 0.5, kIndirectShare = 0.15;

using ByForm = std::map<std::string, std::vector<const char*>>;

const ByForm& FormsOf(Wording wording) {
  auto by_form = [](const std::vector<FormWords>& forms) {
    ByForm map;
    for (const FormWords& f : forms) map[f.form] = f.words;
    return map;
  };
  static const ByForm kTraining = by_form(TrainingWords()), kUnseen = by_form(UnseenWords());
  return wording == Wording::kTraining ? kTraining : kUnseen;
}

void Replace(std::string* s, const std::string& from, const char* to) {
  size_t at = s->find(from);
  if (at != std::string::npos) s->replace(at, from.size(), to);
}

std::string Contract(std::string s) {
  for (const auto& [from, to] : std::vector<std::pair<const char*, const char*>>{
           {"what is ", "what's "}, {"where is ", "where's "}, {"who is ", "who's "}})
    Replace(&s, from, to);
  return s;
}

// What people put around a question: greetings and, where the answer is one word, how long it
// may be.
void Surround(Rng* rng, Qa* qa) {
  static const std::vector<const char*> kBefore = {
      "hi! ",  "hello, ",      "question: ", "I have a question. ", "ok, ",       "so, ",
      "now, ", "let me ask: ", "one more: ", "dear model, ",        "and again: "};
  static const std::vector<const char*> kAfter = {
      " Thanks.", " thanks!", " Thank you.", " please.", " Be honest.", " Please look closely."};
  static const std::vector<const char*> kBrief = {
      " Answer briefly.",
      " Be brief.",
      " Just the answer.",
      " answer in one word.",
      " Keep it short.",
      " Answer with a single word or phrase.",
      " Answer the question using a single word or phrase."};
  const bool one_word = qa->answer.find(' ') == std::string::npos;
  if (rng->Chance(0.06)) qa->question = rng->Pick(kBefore) + qa->question;
  if (rng->Chance(0.1)) qa->question += rng->Pick(one_word && rng->Chance(0.7) ? kBrief : kAfter);
}

}  // namespace

std::vector<FormWords> TrainingWords() {
  std::vector<FormWords> all;
  for (const auto* table : {&StillWords(), &PairWords(), &MoreWords(), &ClipWords()})
    all.insert(all.end(), table->begin(), table->end());
  return all;
}

const std::vector<const char*>& WordsOf(const std::string& form, Wording wording) {
  static const std::vector<const char*> kNone;
  const ByForm& forms = FormsOf(wording);
  auto it = forms.find(form);
  return it == forms.end() ? kNone : it->second;
}

bool Reword(Rng* rng, Wording wording, Qa* qa) {
  const auto& words = WordsOf(qa->form, wording);
  if (words.empty()) return false;
  qa->words = rng->Pick(words);
  std::string text = qa->words;
  if (wording == Wording::kTraining && rng->Chance(kIndirectShare)) text = Indirect(rng, text);
  if (rng->Chance(0.4)) text = Contract(text);
  std::string asked = FillSlots(text, qa->slots);
  qa->question = qa->own_words ? asked : Vary(rng, asked);
  return true;
}

void AskInWords(Rng* rng, const char* form, Slots slots, Qa* qa) {
  qa->form = form;
  qa->slots = std::move(slots);
  Reword(rng, Wording::kTraining, qa);
}

Qa AskForTraining(Rng* rng, const Scene& scene) {
  Qa qa;
  if (!rng->Chance(kMoreShare) ||
      !(scene.panel ? AskMoreAboutPanel(rng, scene, &qa) : AskMore(rng, scene, &qa))) {
    qa = AskRandom(rng, scene);
    if (rng->Chance(kRewordShare)) Reword(rng, Wording::kTraining, &qa);
  }
  Surround(rng, &qa);
  return qa;
}

bool AskAboutPairForTraining(Rng* rng, const Scene& first, const Scene& second, Qa* qa) {
  if (!AskAboutPair(rng, first, second, qa)) return false;
  Surround(rng, qa);
  return true;
}

bool AskAboutClipForTraining(Rng* rng, const Clip& clip, Qa* qa) {
  if (!rng->Chance(kMoreShare) || !AskMoreAboutClip(rng, clip, qa)) {
    *qa = {};
    if (!AskAboutClip(rng, clip, qa)) return false;
    if (rng->Chance(kRewordShare)) Reword(rng, Wording::kTraining, qa);
  }
  Surround(rng, qa);
  return true;
}

bool AskUnseen(Rng* rng, const Scene& scene, Qa* qa) {
  if (!rng->Chance(0.5) ||
      !(scene.panel ? AskMoreAboutPanel(rng, scene, qa) : AskMore(rng, scene, qa)))
    *qa = AskRandom(rng, scene);
  return qa->family != "caption" && Reword(rng, Wording::kUnseen, qa);
}

bool AskAboutClipUnseen(Rng* rng, const Clip& clip, Qa* qa) {
  if (!rng->Chance(0.5) || !AskMoreAboutClip(rng, clip, qa)) {
    *qa = {};
    if (!AskAboutClip(rng, clip, qa)) return false;
  }
  return Reword(rng, Wording::kUnseen, qa);
}

}  // namespace sightline::world
