#include "tools/world/tokens.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <climits>
#include <sstream>

namespace sightline::world {
namespace {

// Empty when the text is not hexadecimal.
std::string Unhex(const std::string& hex) {
  std::string out;
  for (size_t i = 0; i < hex.size(); i += 2) {
    unsigned byte = 0;
    const char* end = hex.data() + std::min(i + 2, hex.size());
    if (std::from_chars(hex.data() + i, end, byte, 16).ptr != end) return "";
    out += static_cast<char>(byte);
  }
  return out;
}

std::string Key(const std::string& left, const std::string& right) {
  return std::to_string(left.size()) + ":" + left + right;
}

bool Letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool Digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool Space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool Break(char c) { return c == '\r' || c == '\n'; }

size_t Contraction(const std::string& s, size_t i) {
  static const char* kTails[] = {"s", "t", "re", "ve", "m", "ll", "d"};
  if (s[i] != '\'') return 0;
  for (const char* t : kTails) {
    size_t n = std::char_traits<char>::length(t);
    bool same = i + n < s.size();
    for (size_t k = 0; same && k < n; ++k)
      same = std::tolower(static_cast<unsigned char>(s[i + 1 + k])) == t[k];
    if (same) return n + 1;
  }
  return 0;
}

size_t SpaceRun(const std::string& s, size_t i) {
  size_t end = i, last_break = std::string::npos;
  for (; end < s.size() && Space(s[end]); ++end) {
    if (Break(s[end])) last_break = end;
  }
  if (last_break != std::string::npos) return last_break + 1 - i;  // \s*[\r\n]+
  if (end < s.size() && end - i > 1) return end - 1 - i;           // \s+(?!\S)
  return end - i;
}

size_t WordLength(const std::string& s, size_t i) {
  if (size_t n = Contraction(s, i)) return n;
  size_t j = i;
  if (!Letter(s[j]) && !Digit(s[j]) && !Break(s[j]) && j + 1 < s.size() && Letter(s[j + 1])) ++j;
  if (Letter(s[j])) {
    while (j < s.size() && Letter(s[j])) ++j;
    return j - i;
  }
  if (Digit(s[i])) return 1;
  j = i + (s[i] == ' ' ? 1 : 0);
  size_t k = j;
  while (k < s.size() && !Space(s[k]) && !Letter(s[k]) && !Digit(s[k])) ++k;
  if (k > j) {
    while (k < s.size() && Break(s[k])) ++k;
    return k - i;
  }
  return SpaceRun(s, i);
}

}  // namespace

std::vector<std::string> SplitWords(const std::string& text) {
  std::vector<std::string> words;
  for (size_t i = 0; i < text.size();) {
    size_t n = WordLength(text, i);
    words.push_back(text.substr(i, n));
    i += n;
  }
  return words;
}

bool Tokens::Parse(const std::string& blob) {
  std::istringstream lines(blob);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream in(line);
    std::string kind, a, b;
    int n;
    if (!(in >> kind >> n >> a)) return false;
    if (kind == "special") specials_[a] = n;
    if (kind == "token") ids_[Unhex(a)] = n;
    if (kind == "merge" && in >> b) ranks_[Key(Unhex(a), Unhex(b))] = n;
  }
  return ids_.size() >= 256 && specials_.count("<|assistant|>") && specials_.count("<|end|>");
}

int32_t Tokens::special(const std::string& name) const {
  auto it = specials_.find(name);
  return it == specials_.end() ? -1 : it->second;
}

std::vector<int32_t> Tokens::EncodeWord(const std::string& word) const {
  std::vector<std::string> parts;
  for (char c : word) parts.emplace_back(1, c);
  while (parts.size() > 1) {
    int best = INT_MAX;
    size_t at = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      auto it = ranks_.find(Key(parts[i], parts[i + 1]));
      if (it != ranks_.end() && it->second < best) best = it->second, at = i;
    }
    if (best == INT_MAX) break;
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  std::vector<int32_t> out;
  for (const auto& p : parts) {
    if (auto it = ids_.find(p); it != ids_.end()) out.push_back(it->second);
  }
  return out;
}

void Tokens::Encode(const std::string& text, Cache* cache, std::vector<int32_t>* out) const {
  for (const std::string& word : SplitWords(text)) {
    auto it = cache->find(word);
    if (it == cache->end()) it = cache->emplace(word, EncodeWord(word)).first;
    out->insert(out->end(), it->second.begin(), it->second.end());
  }
}

}  // namespace sightline::world
