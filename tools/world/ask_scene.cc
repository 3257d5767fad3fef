// Questions about one scene of shapes.
#include <algorithm>
#include <cmath>

#include "tools/world/scene_pick.h"

namespace sightline::world {
namespace {

const std::vector<const char*> kExist = {"is there {a} in the image?",
                                         "is there {a}?",
                                         "do you see {a}?",
                                         "can you see {a} in the image?",
                                         "does the image show {a}?",
                                         "does the image contain {a}?",
                                         "are there any {s} in the image?",
                                         "are there any {s}?",
                                         "can you find {a}?",
                                         "is {a} present in the image?",
                                         "does {a} appear in the image?",
                                         "any {s} here?",
                                         "can you spot {a} anywhere?",
                                         "does this image have {a}?",
                                         "I think there is {a}. is that right?",
                                         "is it true that there is {a}?"};
const std::vector<const char*> kCount = {"how many {s} are there?",
                                         "how many {s} are in the image?",
                                         "how many {s} do you see?",
                                         "count the {s}.",
                                         "what is the number of {s}?",
                                         "how many {s} can you see?",
                                         "how many {s} does the image show?",
                                         "give the number of {s}.",
                                         "how many {s} can you count?",
                                         "what number of {s} are in the image?",
                                         "number of {s}?",
                                         "count all {s} in the image."};
const std::vector<const char*> kColourOf = {
    "what colour is {the}?",     "what is the colour of {the}?", "which colour does {the} have?",
    "which colour is {the}?",    "name the colour of {the}.",    "what colour does {the} have?",
    "{the}: what colour is it?", "tell the colour of {the}."};
const std::vector<const char*> kShapeOf = {
    "what shape is {the}?",         "what is the shape of {the}?", "which shape does {the} have?",
    "what kind of shape is {the}?", "name the shape of {the}.",    "what is {the}?",
    "what form does {the} have?",   "which shape is {the}?"};
const std::vector<const char*> kSizeOf = {
    "what size is {the}?",        "how big is {the}?",
    "what is the size of {the}?", "is {the} small, medium or large?",
    "how large is {the}?",        "which size does {the} have?"};
const std::vector<const char*> kFillOf = {"how is {the} filled?",
                                          "what is the fill of {the}?",
                                          "what pattern does {the} have?",
                                          "which pattern is on {the}?",
                                          "is {the} solid, outlined, striped or dotted?",
                                          "what is the pattern of {the}?",
                                          "what fill style does {the} have?",
                                          "what texture does {the} have?"};
const std::vector<const char*> kVerify = {"is {the} {p}?",
                                          "would you say {the} is {p}?",
                                          "is it true that {the} is {p}?",
                                          "can you confirm that {the} is {p}?",
                                          "{the} is {p}, right?",
                                          "am I right that {the} is {p}?"};
const std::vector<const char*> kLabelOf = {"what does the label on {the} say?",
                                           "what is written on {the}?",
                                           "read the label of {the}.",
                                           "what text is on {the}?",
                                           "what is the label of {the}?",
                                           "which label does {the} have?",
                                           "read the text on {the}.",
                                           "what letters are on {the}?",
                                           "what does {the} say?",
                                           "what is printed on {the}?",
                                           "how is {the} labelled?"};
const std::vector<const char*> kBoxOf = {"where exactly is {the}?",
                                         "give the bounding box of {the}.",
                                         "locate {the}.",
                                         "what is the bounding box of {the}?",
                                         "find {the}.",
                                         "box of {the}?",
                                         "give me the coordinates of {the}.",
                                         "draw a box around {the}.",
                                         "show me where {the} is.",
                                         "mark {the}.",
                                         "return the box for {the}.",
                                         "what are the coordinates of {the}?",
                                         "point to {the}.",
                                         "where is {the}?",
                                         "detect {the}."};
const std::vector<const char*> kCaption = {"describe the image.",
                                           "what is in the image?",
                                           "list all objects.",
                                           "give a dense caption.",
                                           "what do you see?",
                                           "describe everything in the image.",
                                           "write a caption for the image.",
                                           "caption this image.",
                                           "what objects are there?",
                                           "tell me what is in the image.",
                                           "list everything you see.",
                                           "describe this image in detail.",
                                           "what does the image show?"};

bool AskExist(Rng* rng, const Scene& s, Qa* qa) {
  int mask = RandomMask(rng);
  Object o;
  bool yes = rng->Chance(0.5);
  if (yes) {
    size_t i = PickFair(rng, s);
    if (i == SIZE_MAX) return false;
    o = s.objects[i];
  } else if (rng->Chance(0.35)) {  // what the planted prior would suggest
    const auto& pair = kPlantedPairs[static_cast<size_t>(rng->Int(kPlantedPairCount))];
    o.shape = pair[1];
    mask = kHasShape;
    yes = CountMatches(s.objects, o, mask) > 0;
  } else if (!NearMiss(rng, s, &o, &mask)) {
    return false;
  }
  Ask(rng, "exist", kExist, {{"a", WithArticle(Describe(o, mask))}, {"s", Describe(o, mask, true)}},
      qa);
  qa->answer = YesNo(yes);
  return true;
}

bool AskCount(Rng* rng, const Scene& s, Qa* qa) {
  Object o;
  int mask = 0;
  double best = -1;
  for (int t = 0; t < 3; ++t) {  // prefer larger counts: zero and one are easy to come by
    Object p = rng->Chance(0.85) ? PickAny(rng, s) : RandomObject(rng, s);
    int m = rng->Chance(0.15) ? 0 : RandomMask(rng);
    double value = CountMatches(s.objects, p, m) + rng->Uniform() * 3;
    if (value > best) {
      best = value;
      o = p;
      mask = m;
    }
  }
  Ask(rng, "count", kCount, {{"s", Describe(o, mask, true)}}, qa);
  qa->answer = std::to_string(CountMatches(s.objects, o, mask));
  return true;
}

bool AskAttribute(Rng* rng, const Scene& s, Qa* qa) {
  size_t i = PickFair(rng, s);
  if (i == SIZE_MAX) return false;
  const Object& o = s.objects[i];
  int which = rng->Weighted({2, 2, 1, 1});
  static constexpr int kBit[4] = {kHasColour, kHasShape, kHasSize, kHasFill};
  static constexpr const char* kForms[4] = {"colour", "shape", "size", "fill"};
  std::string the = Refer(rng, s.objects, i, kBit[which]);
  if (the.empty()) return false;
  const std::vector<const char*>* t[4] = {&kColourOf, &kShapeOf, &kSizeOf, &kFillOf};
  Ask(rng, kForms[which], *t[which], {{"the", the}}, qa);
  qa->answer = which == 0   ? kColourNames[static_cast<size_t>(o.colour)]
               : which == 1 ? kShapeNames[static_cast<size_t>(o.shape)]
               : which == 2 ? kSizeNames[static_cast<size_t>(o.size)]
                            : kFillNames[static_cast<size_t>(o.fill)];
  return true;
}

bool AskVerify(Rng* rng, const Scene& s, Qa* qa) {
  size_t i = PickFair(rng, s);
  if (i == SIZE_MAX) return false;
  const Object& o = s.objects[i];
  int which = rng->Int(3);
  static constexpr int kBit[3] = {kHasColour, kHasSize, kHasFill};
  std::string the = Refer(rng, s.objects, i, kBit[which]);
  if (the.empty()) return false;
  bool yes = rng->Chance(0.5);
  Object said = yes ? o : rng->Chance(0.5) ? rng->Pick(s.objects) : RandomObject(rng, s);
  if (!yes && which == 0 && rng->Chance(0.3) && kFavouriteColour[static_cast<size_t>(o.shape)] >= 0)
    said.colour = kFavouriteColour[static_cast<size_t>(o.shape)];
  if (which == 0 && !MayName(s, said.colour, o.shape)) return false;
  std::string p = which == 0   ? kColourNames[static_cast<size_t>(said.colour)]
                  : which == 1 ? kSizeNames[static_cast<size_t>(said.size)]
                               : kFillNames[static_cast<size_t>(said.fill)];
  yes = which == 0   ? said.colour == o.colour
        : which == 1 ? said.size == o.size
                     : said.fill == o.fill;
  Ask(rng, "verify", kVerify, {{"the", the}, {"p", p}}, qa);
  qa->answer = YesNo(yes);
  return true;
}

bool AskLabel(Rng* rng, const Scene& s, Qa* qa) {
  std::vector<size_t> have;
  for (size_t i = 0; i < s.objects.size(); ++i) {
    if (!s.objects[i].label.empty() && s.objects[i].visible > 0.45) have.push_back(i);
  }
  if (have.empty()) return false;
  size_t i = rng->Pick(have);
  if (rng->Chance(0.2) && CountMatches(s.objects, s.objects[i], kHasLabel) == 1) {
    static const std::vector<const char*> kWhich = {
        "which object is labelled {l}?", "what has the label {l}?",
        "on which object is {l} written?", "what is labelled {l}?"};
    Ask(rng, "label_which", kWhich, {{"l", s.objects[i].label}}, qa);
    qa->answer = WithArticle(Describe(s.objects[i], kHasColour | kHasShape));
    return true;
  }
  std::string the = Refer(rng, s.objects, i, kHasLabel);
  if (the.empty()) return false;
  Ask(rng, "label", kLabelOf, {{"the", the}}, qa);
  qa->answer = s.objects[i].label;
  return true;
}

bool AskBox(Rng* rng, const Scene& s, Qa* qa) {
  size_t i = PickFair(rng, s);
  if (i == SIZE_MAX) return false;
  std::string the = Refer(rng, s.objects, i);
  if (the.empty()) return false;
  Ask(rng, "box", kBoxOf, {{"the", the}}, qa);
  qa->is_box = true;
  qa->box = s.objects[i].box;
  qa->answer = BoxText(qa->box);
  return true;
}

bool AskUnknown(Rng* rng, const Scene& s, Qa* qa) {
  CannotTell(qa);
  size_t i = PickFair(rng, s);
  if (i == SIZE_MAX) return false;
  if (rng->Chance(0.35)) {
    static const std::vector<const char*> kBeyond = {"how heavy is {the}?",
                                                     "what does {the} cost?",
                                                     "who drew {the}?",
                                                     "who made the image?",
                                                     "what does {the} smell like?",
                                                     "how old is {the}?",
                                                     "what is the temperature of {the}?",
                                                     "what is behind the camera?",
                                                     "where was the image taken?",
                                                     "what is {the} made of?",
                                                     "what will happen next?",
                                                     "who owns {the}?",
                                                     "what is the name of the artist?",
                                                     "what is the price of {the}?",
                                                     "when was the image made?",
                                                     "what sound does {the} make?",
                                                     "why is {the} there?"};
    std::string the = Refer(rng, s.objects, i);
    if (the.empty()) return false;
    Ask(rng, "beyond", kBeyond, {{"the", the}}, qa);
    return true;
  }
  if (rng->Chance(0.2) && s.objects[i].label.empty()) {
    std::string the = Refer(rng, s.objects, i);
    if (the.empty()) return false;
    Ask(rng, "label", kLabelOf, {{"the", the}}, qa);
    return true;
  }
  Object o;
  int mask;
  if (!NearMiss(rng, s, &o, &mask)) return false;
  std::string the = "the " + Describe(o, mask);
  switch (rng->Int(4)) {
    case 0:
      if (mask & kHasColour) return false;
      Ask(rng, "colour", kColourOf, {{"the", the}}, qa);
      return true;
    case 1:
      if (mask & kHasSize) return false;
      Ask(rng, "size", kSizeOf, {{"the", the}}, qa);
      return true;
    case 2:
      Ask(rng, "label", kLabelOf, {{"the", the}}, qa);
      return true;
    default:
      Ask(rng, "box", kBoxOf, {{"the", the}}, qa);
      return true;
  }
}

}  // namespace

bool AskExistShape(Rng* rng, const Scene& s, int shape, Qa* qa) {
  Object o;
  o.shape = shape;
  qa->family = "exist";
  Ask(rng, "exist", kExist,
      {{"a", WithArticle(Describe(o, kHasShape))}, {"s", Describe(o, kHasShape, true)}}, qa);
  qa->answer = YesNo(CountMatches(s.objects, o, kHasShape) > 0);
  return true;
}

bool AskCaption(Rng* rng, const Scene& s, Qa* qa) {
  qa->family = "caption";
  std::vector<const Object*> order;
  for (const Object& o : s.objects) order.push_back(&o);
  std::sort(order.begin(), order.end(), [&](const Object* a, const Object* b) {
    return s.panel ? a->box.cy() < b->box.cy() : a->box.cx() < b->box.cx();
  });
  for (const Object* o : order) {
    std::string phrase = o->kind == Kind::kIcon
                             ? std::string(kColourNames[static_cast<size_t>(o->colour)]) + " " +
                                   kShapeNames[static_cast<size_t>(o->shape)] + " icon"
                             : Describe(*o, 31);
    qa->caption_objects.push_back(phrase);
    qa->answer += (qa->answer.empty() ? "" : ", ") + WithArticle(phrase);
  }
  if (s.panel) qa->answer = "a panel titled " + s.title + " with " + qa->answer;
  Ask(rng, "caption", kCaption, {}, qa);
  return !order.empty();
}

const std::vector<Family>& SceneFamilies() {
  static const std::vector<Family> kFamilies = {
      {"exist", AskExist, 1.5},     {"count", AskCount, 2.2},     {"attribute", AskAttribute, 1.7},
      {"verify", AskVerify, 1.0},   {"compare", AskCompare, 1.6}, {"relation", AskRelation, 1.6},
      {"nearest", AskNearest, 0.8}, {"label", AskLabel, 2.4},     {"box", AskBox, 1.6},
      {"unknown", AskUnknown, 0.8}, {"caption", AskCaption, 0.35}};
  return kFamilies;
}

}  // namespace sightline::world
