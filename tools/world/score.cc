#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>

#include "tools/world/qa.h"

namespace sightline::world {
namespace {

std::string Lower(const std::string& s) {
  std::string out;
  for (char c : s) out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Lower case, one space between words, no articles, number words as digits.
std::string Normal(const std::string& s) {
  std::string word, out;
  auto flush = [&] {
    for (size_t i = 0; i < kNumberWords.size(); ++i) {
      if (word == kNumberWords[i]) word = std::to_string(i);
    }
    static const std::map<std::string, std::string> kSame = {
        {"grey", "gray"},      {"moon", "crescent"},      {"rhombus", "diamond"},
        {"disc", "circle"},    {"violet", "purple"},      {"turquoise", "cyan"},
        {"big", "large"},      {"little", "small"},       {"filled", "solid"},
        {"spotted", "dotted"}, {"hollow", "outlined"},    {"labeled", "labelled"},
        {"color", "colour"},   {"disappears", "vanishes"}};
    if (auto it = kSame.find(word); it != kSame.end()) word = it->second;
    if (!word.empty() && word != "a" && word != "an" && word != "the")
      out += (out.empty() ? "" : " ") + word;
    word.clear();
  };
  for (char c : Lower(s)) {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '\'' || c == '.') {
      word += c;
    } else {
      flush();
    }
  }
  while (!word.empty() && word.back() == '.') word.pop_back();
  flush();
  return out;
}

bool ParseBox(const std::string& reply, Box* box) {
  double v[4];
  int n = 0;
  for (size_t i = 0; i < reply.size() && n < 4;) {
    if (!std::isdigit(static_cast<unsigned char>(reply[i]))) {
      ++i;
      continue;
    }
    double x = 0;
    for (; i < reply.size() && std::isdigit(static_cast<unsigned char>(reply[i])); ++i)
      x = x * 10 + (reply[i] - '0');
    v[n++] = x / 1000;
  }
  if (n == 4) *box = {v[0], v[1], v[2], v[3]};
  return n == 4;
}

std::vector<std::string> SplitPhrases(const std::string& reply) {
  std::string body = reply;
  size_t with = body.find(" with ");
  if (body.rfind("a panel titled", 0) == 0 && with != std::string::npos)
    body = body.substr(with + 6);
  std::vector<std::string> out;
  for (size_t i = 0; i <= body.size();) {
    size_t j = std::min(body.find(',', i), body.size());
    std::string phrase = Normal(body.substr(i, j - i));
    if (!phrase.empty()) out.push_back(phrase);
    i = j + 1;
  }
  return out;
}

// A phrase names an object when colour and shape agree: the object, not its every attribute (as
// CHAIR counts).
std::string Core(const std::string& phrase) {
  std::string colour, noun;
  std::string padded = " " + phrase + " ";
  for (const char* c : kColourNames) {
    if (padded.find(" " + std::string(c) + " ") != std::string::npos) colour = c;
  }
  for (const char* s : kShapeNames) {
    if (padded.find(" " + std::string(s) + " ") != std::string::npos) noun = s;
  }
  for (size_t k = 1; k < kKindNames.size(); ++k) {
    if (padded.find(" " + std::string(kKindNames[k]) + " ") != std::string::npos && noun.empty())
      noun = kKindNames[k];
  }
  return colour + " " + noun;
}

}  // namespace

Score ScoreReply(const Qa& qa, const std::string& reply) {
  Score s;
  if (qa.is_box) {
    Box b;
    s.correct = ParseBox(reply, &b) && Iou(b, qa.box) >= 0.5;
    return s;
  }
  if (qa.time_s >= 0) {
    char* end = nullptr;
    size_t at = reply.find_first_of("0123456789");
    if (at == std::string::npos) return s;
    double t = std::strtod(reply.c_str() + at, &end);
    s.correct = std::fabs(t - qa.time_s) <= qa.tolerance_s;
    return s;
  }
  if (!qa.caption_objects.empty()) {
    std::vector<std::string> truth;
    for (const auto& o : qa.caption_objects) truth.push_back(Core(Normal(o)));
    s.caption_truth = static_cast<int>(truth.size());
    for (const auto& phrase : SplitPhrases(reply)) {
      ++s.caption_said;
      auto it = std::find(truth.begin(), truth.end(), Core(phrase));
      if (it != truth.end()) {
        ++s.caption_hits;
        truth.erase(it);
      }
    }
    s.correct = Normal(reply) == Normal(qa.answer);
    return s;
  }
  std::string said = Normal(reply);
  s.correct = said == Normal(qa.answer);
  for (const auto& a : qa.accepted) s.correct = s.correct || said == Normal(a);
  return s;
}

}  // namespace sightline::world
