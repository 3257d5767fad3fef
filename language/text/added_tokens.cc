#include "language/text/added_tokens.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "language/text/json_fields.h"
#include "language/text/unicode.h"

namespace sightline::language {
namespace {

constexpr int64_t kMaxId = 4'000'000;
constexpr size_t kMaxTokenBytes = 1024;
constexpr size_t kMaxTokens = 100'000;

CodePoint Before(std::string_view text, size_t pos) {
  size_t from = pos - 1;
  while (from > 0 && pos - from < 4 && (static_cast<uint8_t>(text[from]) & 0xC0) == 0x80) --from;
  return DecodeUtf8(text, from);
}

bool TouchesWord(std::string_view text, size_t begin, size_t end) {
  return (begin > 0 && IsWordChar(Before(text, begin).value)) ||
         (end < text.size() && IsWordChar(DecodeUtf8(text, end).value));
}

size_t SpaceBefore(std::string_view text, size_t pos, size_t floor) {
  while (pos > floor) {
    CodePoint c = Before(text, pos);
    if (!IsSpace(c.value)) break;
    pos -= c.bytes;
  }
  return pos;
}

size_t SpaceAfter(std::string_view text, size_t pos) {
  while (pos < text.size()) {
    CodePoint c = DecodeUtf8(text, pos);
    if (!IsSpace(c.value)) break;
    pos += c.bytes;
  }
  return pos;
}

bool Touches(absl::Span<const TextSpan> spans, size_t begin, size_t end) {
  auto it = std::lower_bound(spans.begin(), spans.end(), begin,
                             [](const TextSpan& s, size_t at) { return s.end <= at; });
  return it != spans.end() && it->begin < end;
}

}  // namespace

StatusOr<std::vector<AddedToken>> ParseAddedTokens(const nlohmann::json& list) {
  std::vector<AddedToken> out;
  if (list.is_null()) return out;
  if (!list.is_array() || list.size() > kMaxTokens)
    return absl::InvalidArgumentError("tokenizer.json: added_tokens must be a list");
  for (const auto& item : list) {
    AddedToken t;
    int64_t id = IntField(item, "id", -1);
    t.text = StringField(item, "content");
    if (id < 0 || id > kMaxId || t.text.size() > kMaxTokenBytes || !IsValidUtf8(t.text))
      return absl::InvalidArgumentError(
          absl::StrCat("tokenizer.json: added_tokens[", out.size(), "] has a bad id or content"));
    t.id = static_cast<int32_t>(id);
    t.single_word = BoolField(item, "single_word", false);
    t.lstrip = BoolField(item, "lstrip", false);
    t.rstrip = BoolField(item, "rstrip", false);
    t.special = BoolField(item, "special", false);
    t.normalized = BoolField(item, "normalized", !t.special);
    out.push_back(std::move(t));
  }
  return out;
}

StatusOr<TokenMatcher> TokenMatcher::Build(const std::vector<const AddedToken*>& tokens,
                                           const Normalizer* normalizer) {
  TokenMatcher m;
  for (const AddedToken* t : tokens) {
    std::string text = t->text;
    if (normalizer) {
      SL_ASSIGN_OR_RETURN(text, normalizer->Apply(std::move(text)));
    }
    if (!text.empty()) m.Insert(text, t);
  }
  return m;
}

void TokenMatcher::Insert(std::string_view text, const AddedToken* token) {
  if (nodes_.empty()) nodes_.emplace_back();
  first_[static_cast<uint8_t>(text[0])] = true;
  size_t at = 0;
  for (char c : text) {
    auto key = std::make_pair(static_cast<uint8_t>(c), int32_t{-1});
    auto& next = nodes_[at].next;
    auto it = std::lower_bound(next.begin(), next.end(), key);
    if (it == next.end() || it->first != key.first) {
      key.second = static_cast<int32_t>(nodes_.size());
      next.insert(it, key);
      nodes_.emplace_back();  // `next` and `it` are gone now
      at = static_cast<size_t>(key.second);
    } else {
      at = static_cast<size_t>(it->second);
    }
  }
  if (!nodes_[at].token) nodes_[at].token = token;
}

TokenMatcher::Match TokenMatcher::Longest(std::string_view text, size_t pos,
                                          absl::Span<const TextSpan> literal) const {
  Match best;
  size_t at = 0;
  for (size_t i = pos; i < text.size(); ++i) {
    auto key = std::make_pair(static_cast<uint8_t>(text[i]), int32_t{-1});
    const auto& next = nodes_[at].next;
    auto it = std::lower_bound(next.begin(), next.end(), key);
    if (it == next.end() || it->first != key.first) break;
    at = static_cast<size_t>(it->second);
    const AddedToken* token = nodes_[at].token;
    if (token && !(token->special && Touches(literal, pos, i + 1))) best = {token, i + 1};
  }
  return best;
}

std::vector<TextPart> TokenMatcher::Split(std::string_view text,
                                          absl::Span<const TextSpan> literal) const {
  std::vector<TextPart> parts;
  size_t done = 0;
  for (size_t pos = 0; !nodes_.empty() && pos < text.size();) {
    Match m;
    if (first_[static_cast<uint8_t>(text[pos])]) m = Longest(text, pos, literal);
    if (!m.token) {
      ++pos;
      continue;
    }
    size_t begin = pos, end = m.end;
    pos = m.end;
    if (m.token->single_word && TouchesWord(text, begin, end)) continue;
    if (m.token->lstrip) begin = SpaceBefore(text, begin, std::min(begin, done));
    if (m.token->rstrip) end = SpaceAfter(text, end);
    if (done < begin) parts.push_back({text.substr(done, begin - done)});
    parts.push_back({text.substr(begin, end - begin), m.token});
    // As in the reference, tokens made of white space are still found in what rstrip took.
    done = end;
  }
  if (done < text.size()) parts.push_back({text.substr(done)});
  return parts;
}

}  // namespace sightline::language
