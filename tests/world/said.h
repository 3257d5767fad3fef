// A second reading of questions, from their words alone; rendered scenes to ask about.
#pragma once

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>
#include <string>

#include "tools/world/world.h"

namespace sightline::world {

// What a question says about objects, read from its words alone.
struct Said {
  int shape = -1, colour = -1, size = -1, fill = -1;
  bool Fits(const Object& o) const {
    return (shape < 0 || o.shape == shape) && (colour < 0 || o.colour == colour) &&
           (size < 0 || o.size == size) && (fill < 0 || o.fill == fill);
  }
};

inline Said Read(const std::string& question) {
  static const std::map<std::string, std::string> kSame = {
      {"grey", "gray"},      {"big", "large"},       {"little", "small"},    {"tiny", "small"},
      {"sized", ""},         {"hollow", "outlined"}, {"filled", "solid"},    {"plain", "solid"},
      {"spotted", "dotted"}, {"moon", "crescent"},   {"rhombus", "diamond"}, {"plus", "cross"},
      {"box", "square"}};
  Said said;
  std::string word;
  for (size_t i = 0; i <= question.size(); ++i) {
    char c = i < question.size()
                 ? static_cast<char>(std::tolower(static_cast<unsigned char>(question[i])))
                 : ' ';
    if (std::isalpha(static_cast<unsigned char>(c))) {
      word += c;
      continue;
    }
    if (auto it = kSame.find(word); it != kSame.end()) word = it->second;
    auto look = [&](const auto& names, int* out, bool plural) {
      for (size_t k = 0; k < names.size(); ++k) {
        if (word == names[k] || (plural && word == Plural(names[k]))) *out = static_cast<int>(k);
      }
    };
    look(kShapeNames, &said.shape, true);
    look(kColourNames, &said.colour, false);
    look(kSizeNames, &said.size, false);
    look(kFillNames, &said.fill, false);
    word.clear();
  }
  return said;
}

inline int CountSaid(const Scene& s, const std::string& words) {
  Said said = Read(words);
  return static_cast<int>(std::count_if(s.objects.begin(), s.objects.end(),
                                        [&](const Object& o) { return said.Fits(o); }));
}

inline Scene Rendered(Rng* rng, SceneOptions options = TrainingOptions()) {
  options.panel_rate = 0;
  for (;;) {
    Scene s = MakeUsableScene(rng, std::exp(rng->Range(-1, 1)), options);
    if (s.objects.size() < 2) continue;
    Render(&s, static_cast<int>(256 * std::sqrt(s.aspect)),
           static_cast<int>(256 / std::sqrt(s.aspect)));
    return s;
  }
}

}  // namespace sightline::world
