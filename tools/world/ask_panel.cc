// Questions about panels of labelled controls; what any still is asked at random.

#include "tools/world/scene_pick.h"

namespace sightline::world {
namespace {

bool PickElement(Rng* rng, const Scene& s, bool labelled, size_t* i) {
  std::vector<size_t> fit;
  for (size_t k = 0; k < s.objects.size(); ++k) {
    if (!labelled || !s.objects[k].label.empty()) fit.push_back(k);
  }
  if (fit.empty()) return false;
  *i = rng->Pick(fit);
  return true;
}

bool AskPanelText(Rng* rng, const Scene& s, Qa* qa) {
  qa->family = "label";
  if (rng->Chance(0.15)) {
    static const std::vector<const char*> kTitle = {
        "what is the title of the panel?", "what does the title bar say?", "read the title.",
        "what is written at the top?", "what is the window called?"};
    Ask(rng, "title", kTitle, {}, qa);
    qa->answer = s.title;
    return true;
  }
  size_t i;
  if (!PickElement(rng, s, true, &i)) return false;
  std::string the = Refer(rng, s.objects, i, kHasLabel);
  if (the.empty()) return false;
  static const std::vector<const char*> kText = {
      "what is written on {the}?",  "what does {the} say?",        "read the text of {the}.",
      "what is the text on {the}?", "what is the label of {the}?", "which label does {the} have?"};
  Ask(rng, "label", kText, {{"the", the}}, qa);
  qa->answer = s.objects[i].label;
  return true;
}

bool AskPanelBox(Rng* rng, const Scene& s, Qa* qa) {
  size_t i;
  if (!PickElement(rng, s, false, &i)) return false;
  std::string the = Refer(rng, s.objects, i);
  if (the.empty()) return false;
  static const std::vector<const char*> kWhere = {"where is {the}?",
                                                  "locate {the}.",
                                                  "give the bounding box of {the}.",
                                                  "where should I click for {the}?",
                                                  "find {the}.",
                                                  "point to {the}.",
                                                  "where exactly is {the}?",
                                                  "click {the}."};
  qa->family = "box";
  Ask(rng, "box", kWhere, {{"the", the}}, qa);
  qa->is_box = true;
  qa->box = s.objects[i].box;
  qa->answer = BoxText(qa->box);
  return true;
}

bool AskPanelCount(Rng* rng, const Scene& s, Qa* qa) {
  Object o = rng->Pick(s.objects);
  if (rng->Chance(0.2)) o.kind = static_cast<Kind>(rng->Int(1, 4));
  int mask = rng->Chance(0.7) ? kHasShape : kHasShape | kHasColour;
  static const std::vector<const char*> kMany = {
      "how many {s} are there?", "count the {s}.",           "how many {s} does the panel have?",
      "number of {s}?",          "how many {s} do you see?", "how many {s} are on the screen?"};
  qa->family = "count";
  Ask(rng, "count", kMany, {{"s", Describe(o, mask, true)}}, qa);
  qa->answer = std::to_string(CountMatches(s.objects, o, mask));
  return true;
}

bool AskPanelExist(Rng* rng, const Scene& s, Qa* qa) {
  size_t i;
  if (!PickElement(rng, s, true, &i)) return false;
  Object o = s.objects[i];
  bool yes = rng->Chance(0.5);
  int mask = rng->Chance(0.6) ? kHasShape | kHasLabel : kHasShape | kHasColour;
  if (!yes && mask & kHasLabel)
    o.label = rng->Chance(0.5) ? RandomLabel(rng) : rng->Pick(s.objects).label;
  if (!yes && mask & kHasColour) o.colour = rng->Int(kColours);
  if (!yes && rng->Chance(0.3)) o.kind = static_cast<Kind>(rng->Int(1, 3));
  if (o.label.empty()) return false;
  static const std::vector<const char*> kAny = {"is there {a}?", "do you see {a}?",
                                                "does the panel have {a}?", "can you find {a}?",
                                                "is {a} on the screen?"};
  qa->family = "exist";
  Ask(rng, "exist", kAny, {{"a", WithArticle(Describe(o, mask))}, {"s", Describe(o, mask, true)}},
      qa);
  qa->answer = YesNo(CountMatches(s.objects, o, mask) > 0);
  return true;
}

bool AskPanelState(Rng* rng, const Scene& s, Qa* qa) {
  std::vector<size_t> fit;
  for (size_t k = 0; k < s.objects.size(); ++k) {
    if (s.objects[k].kind == Kind::kCheckBox || s.objects[k].kind == Kind::kIcon) fit.push_back(k);
  }
  if (fit.empty()) return false;
  size_t i = rng->Pick(fit);
  std::string the = Refer(rng, s.objects, i);
  if (the.empty()) return false;
  if (s.objects[i].kind == Kind::kIcon) {
    static const std::vector<const char*> kIcon = {"what shape is {the}?", "what does {the} show?",
                                                   "which shape is on {the}?", "what is on {the}?"};
    Ask(rng, "shape", kIcon, {{"the", the}}, qa);
    qa->answer = kShapeNames[static_cast<size_t>(s.objects[i].shape)];
    return true;
  }
  static const std::vector<const char*> kChecked = {
      "is {the} checked?", "is {the} ticked?", "is {the} selected?", "has {the} been checked?"};
  Ask(rng, "checked", kChecked, {{"the", the}}, qa);
  qa->answer = YesNo(s.objects[i].checked);
  return true;
}

bool AskPanelColour(Rng* rng, const Scene& s, Qa* qa) {
  size_t i;
  if (!PickElement(rng, s, false, &i)) return false;
  std::string the = Refer(rng, s.objects, i, kHasColour);
  if (the.empty()) return false;
  static const std::vector<const char*> kColour = {
      "what colour is {the}?", "which colour does {the} have?", "what is the colour of {the}?",
      "name the colour of {the}."};
  qa->family = "attribute";
  Ask(rng, "colour", kColour, {{"the", the}}, qa);
  qa->answer = kColourNames[static_cast<size_t>(s.objects[i].colour)];
  return true;
}

}  // namespace

const std::vector<Family>& PanelFamilies() {
  static const std::vector<Family> kFamilies = {
      {"label", AskPanelText, 2},    {"box", AskPanelBox, 1.5},   {"count", AskPanelCount, 1.2},
      {"exist", AskPanelExist, 1.2}, {"panel", AskPanelState, 1}, {"attribute", AskPanelColour, 1},
      {"caption", AskCaption, 0.3}};
  return kFamilies;
}

Qa AskRandom(Rng* rng, const Scene& scene) {
  const auto& families = scene.panel ? PanelFamilies() : SceneFamilies();
  for (int t = 0; t < 60; ++t) {
    const Family& f = rng->PickByWeight(families);
    Qa qa;
    qa.family = f.name;
    if (f.ask(rng, scene, &qa)) return qa;
  }
  Qa qa;
  AskExistShape(rng, scene, rng->Int(kShapes), &qa);
  return qa;
}

Qa AskFamily(Rng* rng, const Scene& scene, const std::string& family) {
  for (int t = 0; t < 60; ++t) {
    for (const Family& f : scene.panel ? PanelFamilies() : SceneFamilies()) {
      Qa qa;
      qa.family = f.name;
      if (family == f.name && f.ask(rng, scene, &qa)) return qa;
    }
  }
  Qa qa;
  AskExistShape(rng, scene, rng->Int(kShapes), &qa);
  return qa;
}

}  // namespace sightline::world
