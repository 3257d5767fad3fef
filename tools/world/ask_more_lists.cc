// Further forms: lists of colours, shapes and labels, the background, what no picture here shows;
// panels' lists.
#include <algorithm>
#include <array>

#include "tools/world/ask_more.h"
#include "tools/world/clip_view.h"
#include "tools/world/scene_pick.h"
#include "tools/world/wording.h"

namespace sightline::world {
namespace {

std::string Join(const std::vector<std::string>& items, const char* none) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + item;
  return out.empty() ? none : out;
}

// How often each colour or shape comes.
std::array<int, 10> Histogram(const Scene& s, bool colour) {
  static_assert(kColours == 10 && kShapes == 10);
  std::array<int, 10> n{};
  for (const Object& o : s.objects) ++n[static_cast<size_t>(colour ? o.colour : o.shape)];
  return n;
}

}  // namespace

bool AskList(Rng* rng, const Scene& s, Qa* qa) {
  bool colour = rng->Chance(0.55);
  auto n = Histogram(s, colour);
  const auto& names = colour ? kColourNames : kShapeNames;
  int which = rng->Weighted({1, 0.7, 1.4, 1.2});
  size_t best = static_cast<size_t>(std::max_element(n.begin(), n.end()) - n.begin());
  if (which == 0) {  // in the names' own order
    AskInWords(rng, colour ? "list_colours" : "list_shapes", {}, qa);
    std::vector<std::string> items;
    for (size_t i = 0; i < n.size(); ++i) {
      if (n[i] > 0) items.emplace_back(names[i]);
    }
    qa->answer = Join(items, "");
    return true;
  }
  if (which == 1) {
    AskInWords(rng, colour ? "count_colours" : "count_shapes", {}, qa);
    qa->answer = std::to_string(10 - std::count(n.begin(), n.end(), 0));
    return true;
  }
  if (which == 2) {
    if (n[best] < 2 || std::count(n.begin(), n.end(), n[best]) > 1) return false;
    AskInWords(rng, colour ? "most_colour" : "most_shape", {}, qa);
    qa->answer = names[best];
    return true;
  }
  if (s.objects.size() < 2) return false;
  bool same = n[best] == static_cast<int>(s.objects.size());
  if (!same && rng->Chance(0.6)) return false;
  AskInWords(rng, colour ? "one_colour" : "one_shape", {}, qa);
  qa->answer = YesNo(same);
  return true;
}

bool AskText(Rng* rng, const Scene& s, Qa* qa) {
  std::vector<const Object*> have;
  for (const Object& o : s.objects) {
    if (!o.label.empty()) have.push_back(&o);
  }
  if (have.empty() && rng->Chance(0.6)) return false;
  int which = rng->Int(3);
  if (which == 0) {
    AskInWords(rng, "has_text", {}, qa);
    qa->answer = YesNo(!have.empty());
    return true;
  }
  if (which == 1) {
    AskInWords(rng, "count_text", {}, qa);
    qa->answer = std::to_string(have.size());
    return true;
  }
  std::sort(have.begin(), have.end(),
            [](const Object* a, const Object* b) { return a->box.cx() < b->box.cx(); });
  std::vector<std::string> labels;
  for (size_t i = 0; i < have.size(); ++i) {
    if (i > 0 && have[i]->box.cx() - have[i - 1]->box.cx() < 0.05) return false;  // no plain order
    labels.push_back(have[i]->label);
  }
  AskInWords(rng, "read_all", {}, qa);
  qa->answer = Join(labels, "there is no text");
  return true;
}

bool AskBackdrop(Rng* rng, const Scene& s, Qa* qa) {
  static constexpr const char* kNames[5] = {"plain", "a gradient", "noise", "stripes",
                                            "a photograph"};
  if (s.backdrop == Backdrop::kPanel) return false;
  AskInWords(rng, "backdrop", {}, qa);
  qa->answer = kNames[static_cast<size_t>(s.backdrop)];
  return true;
}

bool AskBeyondScene(Rng* rng, const Scene& s, Qa* qa) {
  static const std::vector<const char*> kThings = {
      "dog",      "cat",   "person",  "car",    "tree",     "house", "bird",  "flower",
      "chair",    "table", "bicycle", "bottle", "horse",    "man",   "woman", "child",
      "face",     "hand",  "boat",    "bus",    "train",    "cup",   "book",  "phone",
      "computer", "fish",  "cloud",   "sun",    "mountain", "cow"};
  static const std::vector<const char*> kMany = {"dogs",   "cats",  "people",  "cars",   "trees",
                                                 "houses", "birds", "flowers", "chairs", "animals",
                                                 "faces",  "books", "boats",   "cups",   "horses"};
  int which = rng->Weighted({1, 0.6, 1.6, 0.6});
  if (which == 0) {
    AskInWords(rng, "thing", {{"a", WithArticle(rng->Pick(kThings))}}, qa);
    qa->answer = "no";
    return true;
  }
  if (which == 1) {
    AskInWords(rng, "things", {{"s", rng->Pick(kMany)}}, qa);
    qa->answer = "0";
    return true;
  }
  size_t i = PickFair(rng, s);
  std::string the = i == SIZE_MAX ? "" : Refer(rng, s.objects, i);
  if (the.empty()) return false;
  AskInWords(rng, which == 2 ? "off_topic" : "beyond", {{"the", the}}, qa);
  CannotTell(qa);
  return true;
}

bool AskMoment(Rng* rng, const Scene& s, Qa* qa) {
  static constexpr const char* kForms[11] = {"when",    "what",     "first_event",    "last_event",
                                             "moves",   "partner",  "anything_moves", "direction",
                                             "side_to", "duration", "any_collide"};
  static constexpr const char* kThird[7] = {"enters",   "leaves",        "stops",         "appears",
                                            "vanishes", "starts moving", "changes colour"};
  static constexpr const char* kBare[7] = {"enter",  "leave",        "stop",         "appear",
                                           "vanish", "start moving", "change colour"};
  size_t i = PickFair(rng, s);
  std::string the = i == SIZE_MAX ? "" : Refer(rng, s.objects, i);
  if (the.empty()) return false;
  int which = rng->Weighted({3, 1, 1, 0.7, 0.8, 0.4, 0.8, 0.6, 0.6, 0.4, 0.4}), verb = rng->Int(7);
  Slots slots = {
      {"x", the}, {"v", kBare[verb]}, {"w", kThird[verb]}, {"p", PastTense(kThird[verb])}};
  AskOfClip(rng, kForms[which], slots, qa);
  CannotTell(qa);
  bool whether = which == 4 || which == 6 || which == 10;
  if (whether) qa->accepted.insert(qa->accepted.end(), {"no", "nothing moves"});
  return true;
}

bool AskMoreAboutPanel(Rng* rng, const Scene& s, Qa* qa) {
  *qa = {};
  qa->family = "panel_list";
  std::vector<const Object*> order;
  for (const Object& o : s.objects) order.push_back(&o);
  std::sort(order.begin(), order.end(),
            [](const Object* a, const Object* b) { return a->box.cy() < b->box.cy(); });
  int which = rng->Weighted({1.2, 0.8, 0.8, 1});
  if (which == 3) {
    int beyond = rng->Weighted({0.6, 0.25, 0.15});
    qa->family = "beyond";
    return beyond == 0   ? AskBeyondScene(rng, s, qa)
           : beyond == 1 ? AskOfNumberedImage(rng, s, qa)
                         : AskMoment(rng, s, qa);
  }
  Kind kind = which == 0 ? static_cast<Kind>(rng->Int(1, 3)) : Kind::kCheckBox;
  std::vector<std::string> labels;
  int of_kind = 0, checked = 0;
  double last = -1;
  for (const Object* at : order) {
    const Object& o = *at;
    if (o.kind != kind) continue;
    ++of_kind;
    checked += o.checked;
    if (which == 1 && !o.checked) continue;
    if (o.label.empty()) return false;
    if (o.box.cy() - last < 0.03) return false;  // no plain order
    last = o.box.cy();
    labels.push_back(o.label);
  }
  if (of_kind == 0 && (which > 0 || rng->Chance(0.7))) return false;
  Slots slots = {{"s", Plural(kKindNames[static_cast<size_t>(kind)])}};
  AskInWords(rng,
             which == 0   ? "list_kind"
             : which == 1 ? "list_checked"
                          : "count_checked",
             slots, qa);
  qa->answer = which == 2 ? std::to_string(checked) : Join(labels, "none");
  return true;
}

}  // namespace sightline::world
