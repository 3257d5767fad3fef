#include <algorithm>
#include <cctype>
#include <cmath>

#include "tools/world/qa.h"

namespace sightline::world {

std::string FillSlots(const std::string& text, const Slots& slots) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    size_t end = text[i] == '{' ? text.find('}', i) : std::string::npos;
    if (end == std::string::npos) {
      out += text[i];
      continue;
    }
    auto it = slots.find(text.substr(i + 1, end - i - 1));
    out += it != slots.end() ? it->second : text.substr(i, end + 1 - i);
    i = end;
  }
  return out;
}

namespace {

struct Synonym {
  const char* word;
  std::vector<const char*> others;
};

const std::vector<Synonym>& Synonyms() {
  static const std::vector<Synonym> kTable = {
      {"image", {"picture", "scene", "image", "drawing", "view", "photo"}},
      {"colour", {"color", "colour", "color"}},
      {"labelled", {"labelled", "labeled", "with the label", "that says", "marked"}},
      {"gray", {"gray", "grey"}},
      {"large", {"large", "big", "large"}},
      {"small", {"small", "little", "small", "tiny"}},
      {"medium", {"medium", "medium-sized", "medium"}},
      {"outlined", {"outlined", "hollow", "outlined"}},
      {"solid", {"solid", "filled", "plain", "solid"}},
      {"dotted", {"dotted", "spotted"}},
      {"objects", {"objects", "things", "shapes", "items", "objects"}},
      {"object", {"object", "thing", "shape", "item", "object"}},
      {"clip", {"clip", "video", "clip"}},
      {"button", {"button", "button", "push button"}},
      {"field", {"field", "text field", "input field", "field"}},
      {"vanish", {"vanish", "disappear"}},
      {"vanishes", {"vanishes", "disappears"}},
      {"crescent", {"crescent", "moon", "crescent"}},
      {"cross", {"cross", "plus sign", "cross"}},
      {"diamond", {"diamond", "rhombus", "diamond"}},
      {"square", {"square", "square", "square", "box"}},
  };
  return kTable;
}

bool IsLetter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

}  // namespace

std::string Vary(Rng* rng, std::string question) {
  std::string out;
  bool plain = rng->Chance(0.4);
  for (size_t i = 0; i < question.size();) {
    if (!IsLetter(question[i])) {
      out += question[i++];
      continue;
    }
    size_t j = i;
    while (j < question.size() && (IsLetter(question[j]) || question[j] == '\'')) ++j;
    std::string word = question.substr(i, j - i);
    for (const Synonym& s : Synonyms()) {
      if (!plain && word == s.word) {
        word = rng->Pick(s.others);
        break;
      }
    }
    out += word;
    i = j;
  }
  static const std::vector<const char*> kBefore = {
      "please tell me: ", "tell me, ",        "hey, ",          "can you tell me: ",
      "look closely. ",   "quick question: ", "please answer: "};
  bool before = rng->Chance(0.12);
  if (before && IsLetter(out[0]))
    out[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(out[0])));
  if (before) out = rng->Pick(kBefore) + out;
  if (rng->Chance(0.7)) {
    out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  } else if (out.size() > 1 && !std::isupper(static_cast<unsigned char>(out[1]))) {
    out[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(out[0])));
  }
  if ((out.back() == '?' || out.back() == '.') && rng->Chance(0.15)) out.pop_back();
  return out;
}

void Ask(Rng* rng, const char* form, const std::vector<const char*>& templates, Slots slots,
         Qa* qa) {
  qa->form = form;
  qa->slots = std::move(slots);
  qa->words = rng->Pick(templates);
  qa->question = Vary(rng, FillSlots(qa->words, qa->slots));
}

std::string YesNo(bool yes) { return yes ? "yes" : "no"; }

void CannotTell(Qa* qa) {
  qa->answer = "I can't tell";
  qa->accepted = {"I cannot tell", "can't tell", "cannot tell", "unknown"};
}

std::string WithArticle(const std::string& s) {
  bool vowel = !s.empty() && std::string("aeiou").find(s[0]) != std::string::npos;
  return (vowel ? "an " : "a ") + s;
}

std::string BoxText(const Box& b) {
  auto n = [](double x) {
    return std::to_string(std::clamp(static_cast<int>(std::lround(x * 1000)), 0, 999));
  };
  return "[" + n(b.x0) + "," + n(b.y0) + "," + n(b.x1) + "," + n(b.y1) + "]";
}

std::string Describe(const Object& o, int mask, bool plural) {
  std::string s, noun;
  auto add = [&s](const char* w) { s += (s.empty() ? "" : " ") + std::string(w); };
  if (o.kind == Kind::kShape) {
    if (mask & kHasSize) add(kSizeNames[static_cast<size_t>(o.size)]);
    if (mask & kHasFill) add(kFillNames[static_cast<size_t>(o.fill)]);
    noun = mask & kHasShape ? kShapeNames[static_cast<size_t>(o.shape)] : "object";
  } else {
    noun = mask & kHasShape ? kKindNames[static_cast<size_t>(o.kind)] : "element";
  }
  if (mask & kHasColour) add(kColourNames[static_cast<size_t>(o.colour)]);
  add((plural ? Plural(noun) : noun).c_str());
  if (mask & kHasLabel && !o.label.empty()) s += " labelled " + o.label;
  return s;
}

bool Matches(const Object& o, const Object& like, int mask) {
  bool shape = o.kind == like.kind;
  if (mask & kHasSize && o.size != like.size) return false;
  if (mask & kHasFill && o.fill != like.fill) return false;
  if (mask & kHasColour && o.colour != like.colour) return false;
  if (mask & kHasShape && (!shape || (o.kind == Kind::kShape && o.shape != like.shape)))
    return false;
  if (mask & kHasLabel && o.label != like.label) return false;
  return true;
}

int CountMatches(const std::vector<Object>& objects, const Object& like, int mask) {
  return static_cast<int>(std::count_if(objects.begin(), objects.end(),
                                        [&](const Object& o) { return Matches(o, like, mask); }));
}

namespace {

// "the leftmost circle": an end of the picture, by a clear margin.
std::string ReferByPlace(Rng* rng, const std::vector<Object>& objects, size_t index, int mask) {
  static const char* kNames[4][2] = {{"leftmost", "farthest left"},
                                     {"rightmost", "farthest right"},
                                     {"topmost", "highest"},
                                     {"bottommost", "lowest"}};
  const Object& o = objects[index];
  int start = rng->Int(4);
  for (int k = 0; k < 4; ++k) {
    int side = (start + k) % 4;
    auto value = [side](const Object& p) {
      double x = side < 2 ? p.box.cx() : p.box.cy();
      return side % 2 ? -x : x;
    };
    bool first = true;
    for (size_t i = 0; i < objects.size(); ++i) {
      if (i != index && Matches(objects[i], o, mask) && value(objects[i]) < value(o) + 0.07)
        first = false;
    }
    if (first)
      return std::string("the ") + kNames[side][side >= 2 ? rng->Int(2) : 0] + " " +
             Describe(o, mask);
  }
  return "";
}

}  // namespace

std::string Refer(Rng* rng, const std::vector<Object>& objects, size_t index, int avoid_mask) {
  const Object& o = objects[index];
  bool panel = o.kind != Kind::kShape;
  if (!(avoid_mask & kHasLabel) && !o.label.empty() && CountMatches(objects, o, kHasLabel) == 1 &&
      rng->Chance(panel ? 0.6 : 0.25)) {
    return "the " +
           Describe(o, kHasLabel | (rng->Chance(0.6) && !(avoid_mask & kHasShape) ? kHasShape : 0));
  }
  if (!panel && rng->Chance(0.08) && objects.size() > 1) {
    std::string s = ReferByPlace(rng, objects, index, avoid_mask & kHasShape ? 0 : kHasShape);
    if (!s.empty()) return s;
  }
  std::vector<int> masks;
  std::vector<double> weights;
  for (int mask = 1; mask < 16; ++mask) {
    if (mask & avoid_mask || (panel && mask & (kHasSize | kHasFill))) continue;
    if (CountMatches(objects, o, mask) != 1) continue;
    int bits = (mask & 1) + (mask >> 1 & 1) + (mask >> 2 & 1) + (mask >> 3 & 1);
    masks.push_back(mask);
    weights.push_back((bits == 1   ? 1.0
                       : bits == 2 ? 1.6
                       : bits == 3 ? 0.7
                                   : 0.4) *
                      (mask & kHasShape ? 2.5 : 1) * (mask & kHasColour ? 1.8 : 1));
  }
  if (masks.empty())
    return panel ? "" : ReferByPlace(rng, objects, index, avoid_mask & kHasShape ? 0 : kHasShape);
  return "the " + Describe(o, masks[static_cast<size_t>(rng->Weighted(weights))]);
}

}  // namespace sightline::world
