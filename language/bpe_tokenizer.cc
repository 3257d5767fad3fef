#include "language/bpe_tokenizer.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <climits>
#include <nlohmann/json.hpp>

namespace sightline::language {
namespace {

Status Bad(const std::string& what) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "TOKENIZER_INVALID",
                         "tokenizer.json: " + what);
}

// Code points with their byte positions; an invalid byte is a code point of its own class
// (punctuation).
struct Text {
  std::vector<UChar32> cp;
  std::vector<size_t> at;  // one more than cp

  explicit Text(std::string_view s) {
    auto n = static_cast<int32_t>(s.size());
    for (int32_t i = 0; i < n;) {
      at.push_back(static_cast<size_t>(i));
      UChar32 c;
      U8_NEXT(reinterpret_cast<const uint8_t*>(s.data()), i, n, c);
      cp.push_back(c);
    }
    at.push_back(s.size());
  }
  size_t size() const { return cp.size(); }
  bool Letter(size_t i) const {
    return i < size() && cp[i] >= 0 && (U_GET_GC_MASK(cp[i]) & U_GC_L_MASK);
  }
  bool Number(size_t i) const {
    return i < size() && cp[i] >= 0 && (U_GET_GC_MASK(cp[i]) & U_GC_N_MASK);
  }
  bool Space(size_t i) const { return i < size() && cp[i] >= 0 && u_isUWhiteSpace(cp[i]); }
  bool Break(size_t i) const { return i < size() && (cp[i] == '\r' || cp[i] == '\n'); }
};

size_t Contraction(const Text& t, size_t i) {
  static const char* kTails[] = {"s", "t", "re", "ve", "m", "ll", "d"};
  if (t.cp[i] != '\'') return 0;
  for (const char* tail : kTails) {
    size_t n = 0;
    while (tail[n] && i + 1 + n < t.size() &&
           u_foldCase(t.cp[i + 1 + n], U_FOLD_CASE_DEFAULT) == tail[n])
      ++n;
    if (!tail[n]) return n + 1;
  }
  return 0;
}

size_t WordLength(const Text& t, size_t i) {
  if (size_t n = Contraction(t, i)) return n;
  size_t j = i;
  if (!t.Letter(j) && !t.Number(j) && !t.Break(j) && t.Letter(j + 1)) ++j;
  if (t.Letter(j)) {
    while (t.Letter(j)) ++j;
    return j - i;
  }
  if (t.Number(i)) return 1;
  j = i + (t.cp[i] == ' ' ? 1 : 0);
  size_t k = j;
  while (k < t.size() && !t.Space(k) && !t.Letter(k) && !t.Number(k)) ++k;
  if (k > j) {
    while (t.Break(k)) ++k;
    return k - i;
  }
  size_t end = i, last_break = SIZE_MAX;
  for (; t.Space(end); ++end) {
    if (t.Break(end)) last_break = end;
  }
  if (last_break != SIZE_MAX) return last_break + 1 - i;
  if (end < t.size() && end - i > 1) return end - 1 - i;
  return std::max<size_t>(1, end - i);
}

// GPT-2's printable stand-ins of bytes, reversed.
std::unordered_map<UChar32, uint8_t> ByteOfSymbol() {
  std::unordered_map<UChar32, uint8_t> back;
  UChar32 next = 256;
  for (int b = 0; b < 256; ++b) {
    bool keep = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    back[keep ? b : next++] = static_cast<uint8_t>(b);
  }
  return back;
}

bool Unsymbol(const std::string& s, std::string* out) {
  static const auto kBack = ByteOfSymbol();
  Text t(s);
  for (UChar32 c : t.cp) {
    auto it = kBack.find(c);
    if (it == kBack.end()) return false;
    *out += static_cast<char>(it->second);
  }
  return true;
}

uint64_t PairKey(int32_t a, int32_t b) {
  return static_cast<uint64_t>(static_cast<uint32_t>(a)) << 32 | static_cast<uint32_t>(b);
}

}  // namespace

std::vector<std::string_view> SplitQwen2(std::string_view text) {
  std::vector<std::string_view> words;
  Text t(text);
  for (size_t i = 0; i < t.size();) {
    size_t n = WordLength(t, i);
    words.push_back(text.substr(t.at[i], t.at[i + n] - t.at[i]));
    i += n;
  }
  return words;
}

StatusOr<std::unique_ptr<BpeTokenizer>> BpeTokenizer::Parse(std::string_view json) {
  auto doc = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!doc.is_object() || !doc.contains("model") || !doc["model"].is_object())
    return Bad("no model object");
  const auto& model = doc["model"];
  if (!model.contains("vocab") || !model["vocab"].is_object() || !model.contains("merges") ||
      !model["merges"].is_array())
    return Bad("model needs vocab and merges");
  auto t = std::unique_ptr<BpeTokenizer>(new BpeTokenizer());
  auto place = [&](int64_t id, const std::string& raw) {
    if (id < 0 || id > 4'000'000) return false;
    if (t->bytes_.size() <= static_cast<size_t>(id)) t->bytes_.resize(static_cast<size_t>(id) + 1);
    t->bytes_[static_cast<size_t>(id)] = raw;
    return true;
  };
  for (const auto& [symbol, id] : model["vocab"].items()) {
    std::string raw;
    if (!id.is_number_integer() || !Unsymbol(symbol, &raw) || !place(id.get<int64_t>(), raw))
      return Bad("vocab has a bad entry");
    t->ids_[raw] = id.get<int32_t>();
  }
  int32_t rank = 0;
  for (const auto& m : model["merges"]) {
    std::string left, right;
    if (m.is_string()) {
      auto s = m.get<std::string>();
      size_t space = s.find(' ');
      if (space == std::string::npos || !Unsymbol(s.substr(0, space), &left) ||
          !Unsymbol(s.substr(space + 1), &right))
        return Bad("merges has a bad entry");
    } else if (m.is_array() && m.size() == 2 && m[0].is_string() && m[1].is_string()) {
      if (!Unsymbol(m[0].get<std::string>(), &left) || !Unsymbol(m[1].get<std::string>(), &right))
        return Bad("merges has a bad entry");
    } else {
      return Bad("merges has a bad entry");
    }
    auto a = t->ids_.find(left), b = t->ids_.find(right), c = t->ids_.find(left + right);
    if (a == t->ids_.end() || b == t->ids_.end() || c == t->ids_.end())
      return Bad("a merge names tokens that vocab lacks");
    t->merges_.emplace(PairKey(a->second, b->second), std::make_pair(rank++, c->second));
  }
  for (int b = 0; b < 256; ++b) {
    auto it = t->ids_.find(std::string(1, static_cast<char>(b)));
    if (it == t->ids_.end()) return Bad("vocab lacks a byte");
    t->byte_ids_[b] = it->second;
  }
  for (const auto& added : doc.value("added_tokens", nlohmann::json::array())) {
    if (!added.is_object() || !added.contains("id") || !added["id"].is_number_integer() ||
        !added.contains("content") || !added["content"].is_string())
      return Bad("added_tokens has a bad entry");
    if (!place(added["id"].get<int64_t>(), "")) return Bad("added_tokens has a bad id");
    t->specials_[added["content"].get<std::string>()] = added["id"].get<int32_t>();
  }
  return t;
}

void BpeTokenizer::EncodeWord(std::string_view word, std::vector<int32_t>* out) const {
  std::vector<int32_t> parts;
  for (char c : word) parts.push_back(byte_ids_[static_cast<uint8_t>(c)]);
  while (parts.size() > 1) {
    int32_t best = INT_MAX, merged = 0;
    size_t at = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      auto it = merges_.find(PairKey(parts[i], parts[i + 1]));
      if (it != merges_.end() && it->second.first < best)
        best = it->second.first, merged = it->second.second, at = i;
    }
    if (best == INT_MAX) break;
    parts[at] = merged;
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  out->insert(out->end(), parts.begin(), parts.end());
}

std::vector<int32_t> BpeTokenizer::Encode(std::string_view text) const {
  std::vector<int32_t> ids;
  for (std::string_view word : SplitQwen2(text)) {
    // A hostile "word" of megabytes would cost its square: cut it; merges across a cut are lost,
    // bytes are not.
    for (size_t i = 0; i < word.size(); i += 1024) EncodeWord(word.substr(i, 1024), &ids);
  }
  return ids;
}

std::string_view BpeTokenizer::Bytes(int32_t id) const {
  return id >= 0 && static_cast<size_t>(id) < bytes_.size()
             ? std::string_view(bytes_[static_cast<size_t>(id)])
             : std::string_view();
}

std::string BpeTokenizer::Decode(const std::vector<int32_t>& ids) const {
  std::string out;
  for (int32_t id : ids) out += Bytes(id);
  return out;
}

int32_t BpeTokenizer::Special(std::string_view text) const {
  auto it = specials_.find(std::string(text));
  return it == specials_.end() ? -1 : it->second;
}

std::string Utf8Stream::Push(std::string_view bytes) {
  held_ += bytes;
  size_t whole = held_.size();
  // At most three trailing bytes can be an unfinished character.
  for (size_t back = 1; back <= std::min<size_t>(3, held_.size()); ++back) {
    auto lead = static_cast<uint8_t>(held_[held_.size() - back]);
    if ((lead & 0xC0) == 0x80) continue;
    size_t need = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    if (need > back) whole = held_.size() - back;
    break;
  }
  std::string ready = held_.substr(0, whole);
  held_.erase(0, whole);
  std::string out;
  auto n = static_cast<int32_t>(ready.size());
  for (int32_t i = 0; i < n;) {
    int32_t from = i;
    UChar32 c;
    U8_NEXT(reinterpret_cast<const uint8_t*>(ready.data()), i, n, c);
    out += c < 0 ? "\xEF\xBF\xBD"
                 : ready.substr(static_cast<size_t>(from), static_cast<size_t>(i - from));
  }
  return out;
}

std::string Utf8Stream::Flush() {
  std::string out = held_.empty() ? "" : "\xEF\xBF\xBD";
  held_.clear();
  return out;
}

}  // namespace sightline::language
