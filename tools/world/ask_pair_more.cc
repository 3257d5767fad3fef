// Questions about what one of several stills shows: attributes, labels, places, everything.
#include "tools/world/ask_pair.h"
#include "tools/world/scene_pick.h"
#include "tools/world/wording.h"

namespace sightline::world {
namespace {

constexpr double kElsewhereShare = 0.12;

const char* ValueOf(const Object& o, int bit) {
  return bit == kHasColour  ? kColourNames[static_cast<size_t>(o.colour)]
         : bit == kHasShape ? kShapeNames[static_cast<size_t>(o.shape)]
         : bit == kHasSize  ? kSizeNames[static_cast<size_t>(o.size)]
                            : kFillNames[static_cast<size_t>(o.fill)];
}

// A phrase for an object of another still that fits nothing in still k; "" where none is found.
std::string Elsewhere(const Stills& v, size_t k, int avoid) {
  if (v.scenes.size() < 2) return "";
  const Scene &here = *v.scenes[k], &there = *v.scenes[1 - k];
  for (int t = 0; t < 6; ++t) {
    const Object& o = v.rng->Pick(there.objects);
    int mask = RandomMask(v.rng) & ~avoid;
    if (mask != 0 && MayName(here, o.colour, o.shape) && CountMatches(here.objects, o, mask) == 0)
      return "the " + Describe(o, mask);
  }
  return "";
}

// True, with the answer given, when the question is about an object that is elsewhere.
bool AskedElsewhere(const Stills& v, size_t k, const char* form, int avoid, Qa* qa) {
  if (!v.rng->Chance(kElsewhereShare)) return false;
  std::string the = Elsewhere(v, k, avoid);
  if (the.empty()) return false;
  AskInWords(v.rng, form, {{"the", the}, {"im", ImageName(v.rng, k)}}, qa);
  CannotTell(qa);
  return true;
}

}  // namespace

bool AskAttributeIn(const Stills& v, Qa* qa) {
  size_t k = v.Any();
  const Scene& s = *v.scenes[k];
  static constexpr int kBit[4] = {kHasColour, kHasShape, kHasSize, kHasFill};
  static constexpr const char* kForms[4] = {"pair_colour", "pair_shape", "pair_size", "pair_fill"};
  int which = s.panel ? 0 : v.rng->Weighted({2, 2, 1, 1});
  if (AskedElsewhere(v, k, kForms[which], kBit[which], qa)) return true;
  size_t i = PickFair(v.rng, s);
  std::string the = i == SIZE_MAX ? "" : Refer(v.rng, s.objects, i, kBit[which]);
  if (the.empty()) return false;
  AskInWords(v.rng, kForms[which], {{"the", the}, {"im", ImageName(v.rng, k)}}, qa);
  qa->answer = ValueOf(s.objects[i], kBit[which]);
  return true;
}

bool AskLabelIn(const Stills& v, Qa* qa) {
  size_t k = v.Any();
  const Scene& s = *v.scenes[k];
  std::vector<size_t> with, without;
  for (size_t i = 0; i < s.objects.size(); ++i) {
    if (s.objects[i].visible > 0.45) (s.objects[i].label.empty() ? without : with).push_back(i);
  }
  if (s.panel) without.clear();  // what a check box says stands beside it
  bool labelled = !with.empty() && !v.rng->Chance(0.1);
  if (!labelled && (without.empty() || v.rng->Chance(0.85))) return false;
  size_t i = v.rng->Pick(labelled ? with : without);
  std::string the = Refer(v.rng, s.objects, i, kHasLabel);
  if (the.empty()) return false;
  AskInWords(v.rng, "pair_label", {{"the", the}, {"im", ImageName(v.rng, k)}}, qa);
  if (labelled) {
    qa->answer = s.objects[i].label;
  } else {
    CannotTell(qa);
  }
  return true;
}

// "what does the label in the second image say?", where it holds one or none
bool AskTextIn(const Stills& v, Qa* qa) {
  size_t k = v.Any();
  const Object* found = nullptr;
  for (const Object& o : v.scenes[k]->objects) {
    if (o.label.empty()) continue;
    if (found != nullptr || o.visible <= 0.45) return false;
    found = &o;
  }
  if (v.scenes[k]->panel || (found == nullptr && v.rng->Chance(0.9))) return false;
  AskInWords(v.rng, "pair_text", {{"im", ImageName(v.rng, k)}}, qa);
  qa->answer = found == nullptr ? "there is no text" : found->label;
  return true;
}

bool AskBoxIn(const Stills& v, Qa* qa) {
  size_t k = v.Any();
  const Scene& s = *v.scenes[k];
  if (AskedElsewhere(v, k, "pair_box", 0, qa)) return true;
  size_t i = PickFair(v.rng, s);
  std::string the = i == SIZE_MAX ? "" : Refer(v.rng, s.objects, i);
  if (the.empty()) return false;
  AskInWords(v.rng, "pair_box", {{"the", the}, {"im", ImageName(v.rng, k)}}, qa);
  qa->is_box = true;
  qa->box = s.objects[i].box;
  qa->answer = BoxText(qa->box);
  return true;
}

bool AskCaptionIn(const Stills& v, Qa* qa) {
  size_t k = v.Any();
  if (!AskCaption(v.rng, *v.scenes[k], qa)) return false;
  AskInWords(v.rng, "pair_caption", {{"im", ImageName(v.rng, k)}}, qa);
  return true;
}

}  // namespace sightline::world
