#include "language/text/splitter.h"

#include <array>

#include "language/text/unicode.h"

namespace sightline::language {
namespace {

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

constexpr auto kAsciiClass = [] {
  std::array<CharClass, 128> t{};
  for (size_t c = 0; c < 128; ++c) {
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') t[c] = CharClass::kLetter;
    if (c >= '0' && c <= '9') t[c] = CharClass::kNumber;
    if (c == ' ' || (c >= 9 && c <= 13)) t[c] = CharClass::kSpace;
  }
  return t;
}();

bool IsBreak(char32_t c) { return c == '\r' || c == '\n'; }

// Methods return the end of their alternative at `pos`, or `pos` for none.
class Scanner {
 public:
  Scanner(const SplitRule& rule, std::string_view text) : rule_(rule), text_(text) {}

  size_t Next(size_t pos) const {
    if (text_[pos] == '\'') {
      if (size_t end = Contraction(pos); end > pos) return end;
    }
    if (size_t end = Letters(pos); end > pos) return end;
    if (size_t end = Numbers(pos); end > pos) return end;
    if (size_t end = Others(pos); end > pos) return end;
    return Spaces(pos);
  }

 private:
  struct Char {
    char32_t value;
    size_t end;
    CharClass kind;
    bool none = false;  // past the end
  };

  Char At(size_t pos) const {
    if (pos >= text_.size()) return {0, pos, CharClass::kOther, true};
    auto b = static_cast<uint8_t>(text_[pos]);
    if (b < 0x80) return {b, pos + 1, kAsciiClass[b]};
    CodePoint c = DecodeUtf8(text_, pos);
    return {c.value, pos + c.bytes, ClassOf(c.value)};
  }
  bool Is(const Char& c, CharClass kind) const { return !c.none && c.kind == kind; }

  size_t Run(size_t pos, CharClass kind) const {
    for (Char c = At(pos); Is(c, kind); c = At(pos)) pos = c.end;
    return pos;
  }

  char32_t Fold(const Char& c) const {
    if (c.none || rule_.gpt2) return c.value;
    if (c.value == 0x017F) return 's';  // long s folds to s
    return c.value >= 'A' && c.value <= 'Z' ? c.value + 0x20 : c.value;
  }

  size_t Contraction(size_t pos) const {
    Char first = At(pos + 1);
    char32_t a = Fold(first);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return first.end;
    Char second = At(first.end);
    char32_t b = Fold(second);
    bool match = (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l');
    return match ? second.end : pos;
  }

  size_t Letters(size_t pos) const {
    Char c = At(pos);
    if (c.kind == CharClass::kLetter) return Run(c.end, CharClass::kLetter);
    bool may_lead = rule_.gpt2 ? c.value == ' ' : !IsBreak(c.value) && c.kind != CharClass::kNumber;
    if (!may_lead) return pos;
    size_t end = Run(c.end, CharClass::kLetter);
    return end > c.end ? end : pos;
  }

  size_t Numbers(size_t pos) const {
    size_t begin = rule_.gpt2 && text_[pos] == ' ' ? pos + 1 : pos, end = begin;
    for (int n = 0; rule_.gpt2 || n < rule_.max_digits; ++n) {
      Char c = At(end);
      if (!Is(c, CharClass::kNumber)) break;
      end = c.end;
    }
    return end > begin ? end : pos;
  }

  size_t Others(size_t pos) const {
    size_t begin = text_[pos] == ' ' ? pos + 1 : pos, end = Run(begin, CharClass::kOther);
    if (end == begin) return pos;
    while (!rule_.gpt2 && end < text_.size() && (text_[end] == '\r' || text_[end] == '\n')) ++end;
    return end;
  }

  // Up to the last line end of the run (later form), else all but the last space when a word
  // follows.
  size_t Spaces(size_t pos) const {
    size_t end = pos, last = pos, after_break = pos;
    for (Char c = At(pos); Is(c, CharClass::kSpace); c = At(end)) {
      last = end;
      end = c.end;
      if (IsBreak(c.value)) after_break = end;
    }
    if (!rule_.gpt2 && after_break > pos) return after_break;
    return end == text_.size() || last == pos ? end : last;
  }

  const SplitRule& rule_;
  std::string_view text_;
};

}  // namespace

std::optional<SplitRule> KnownPattern(std::string_view pattern) {
  if (pattern == kGpt2) return SplitRule{.gpt2 = true};
  if (pattern == kQwen2) return SplitRule{.max_digits = 1};
  if (pattern == kLlama3) return SplitRule{.max_digits = 3};
  return std::nullopt;
}

size_t NextCut(const SplitRule& rule, std::string_view text, size_t pos) {
  return Scanner(rule, text).Next(pos);
}

}  // namespace sightline::language
