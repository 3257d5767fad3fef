#include "language/jinja/lexer.h"

#include <algorithm>

#include "language/jinja/text.h"
#include "language/text/unicode.h"

namespace sightline::language::jinja {
namespace {

constexpr size_t kMaxTokens = 200'000;
constexpr std::string_view kSpace = " \t\n\r\v\f";

bool IsSpaceByte(char c) { return kSpace.find(c) != std::string_view::npos; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || IsDigit(c);
}

// Line ends become "\n"; one at the end goes.
std::string Lines(std::string_view source) {
  std::string out;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n') continue;
    out += source[i] == '\r' ? '\n' : source[i];
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string source) : s_(std::move(source)) {}

  std::vector<Token> Run() {
    try {
      while (pos_ < s_.size()) OutsideTags();
    } catch (Error& e) {
      if (!e.line) e.line = line_;
      throw;
    }
    Add(Token::Kind::kEnd, "");
    return std::move(out_);
  }

 private:
  void Add(Token::Kind kind, std::string text) {
    if (out_.size() >= kMaxTokens) throw Error(Error::Kind::kLimit, "the template is too long");
    out_.push_back({kind, std::move(text), line_});
  }
  bool At(std::string_view t) const { return std::string_view(s_).substr(pos_).starts_with(t); }
  void Advance(size_t n) {
    line_ += static_cast<int>(std::count(s_.begin() + static_cast<std::ptrdiff_t>(pos_),
                                         s_.begin() + static_cast<std::ptrdiff_t>(pos_ + n), '\n'));
    pos_ += n;
  }

  // Text up to the next tag, and the tag.
  void OutsideTags() {
    size_t tag = pos_;
    for (;; ++tag) {
      tag = s_.find('{', tag);
      if (tag == std::string::npos || tag + 1 >= s_.size()) {
        tag = s_.size();
        break;
      }
      if (s_[tag + 1] == '{' || s_[tag + 1] == '%' || s_[tag + 1] == '#') break;
    }
    char kind = tag < s_.size() ? s_[tag + 1] : 0;
    char sign = kind && tag + 2 < s_.size() ? s_[tag + 2] : 0;
    if (sign != '-' && sign != '+') sign = 0;
    EmitText(tag, kind, sign);
    Advance(tag - pos_);
    if (!kind) return;
    size_t skip = sign ? 3 : 2;
    if (kind == '#') return Comment(skip);
    Advance(skip);
    if (kind == '%' && RawBlock()) return;
    Inside(kind);
  }

  void EmitText(size_t end, char kind, char sign) {
    std::string text = s_.substr(pos_, end - pos_);
    if (sign == '-') {
      text.resize(text.find_last_not_of(kSpace) + 1);  // npos + 1 is 0
    } else if (sign != '+' && (kind == '%' || kind == '#')) {
      size_t line = text.rfind('\n') + 1;  // npos + 1 is 0
      bool blank = text.find_first_not_of(kSpace, line) == std::string::npos;
      if ((line > 0 || line_starts_) && blank) text.resize(line);
    }
    if (!text.empty()) Add(Token::Kind::kText, std::move(text));
    line_starts_ = false;
  }

  void Comment(size_t skip) {
    size_t end = s_.find("#}", pos_ + skip);
    if (end == std::string::npos) Fail("a comment has no end");
    char sign = end > pos_ + skip ? s_[end - 1] : 0;
    Advance(end + 2 - pos_);
    AfterBlock(sign);
  }

  // White space after a block or a comment.
  void AfterBlock(char sign) {
    if (sign == '-') {
      SkipSpace();
    } else if (sign != '+' && pos_ < s_.size() && s_[pos_] == '\n') {
      Advance(1);
      line_starts_ = true;
    }
    if (sign == '-' && pos_ > 0 && s_[pos_ - 1] == '\n') line_starts_ = true;
  }

  void SkipSpace() {
    while (pos_ < s_.size() && IsSpaceByte(s_[pos_])) Advance(1);
  }

  // {% raw %} ... {% endraw %}, after its "{%".
  bool RawBlock() {
    size_t at = s_.find_first_not_of(kSpace, pos_);
    if (at == std::string::npos || s_.compare(at, 3, "raw") != 0) return false;
    size_t end = s_.find_first_not_of(kSpace, at + 3);
    if (end == std::string::npos) return false;
    char sign = s_[end] == '-' || s_[end] == '+' ? s_[end] : 0;
    if (s_.compare(end + (sign ? 1 : 0), 2, "%}") != 0) return false;
    Advance(end + (sign ? 3 : 2) - pos_);
    AfterBlock(sign);
    for (size_t tag = s_.find("{%", pos_); tag != std::string::npos; tag = s_.find("{%", tag + 2)) {
      size_t name = tag + 2;
      char open = name < s_.size() && (s_[name] == '-' || s_[name] == '+') ? s_[name++] : 0;
      name = s_.find_first_not_of(kSpace, name);
      if (name == std::string::npos || s_.compare(name, 6, "endraw") != 0) continue;
      size_t close = s_.find_first_not_of(kSpace, name + 6);
      if (close == std::string::npos) break;
      char after = s_[close] == '-' || s_[close] == '+' ? s_[close++] : 0;
      if (s_.compare(close, 2, "%}") != 0) continue;
      EmitText(tag, '%', open);
      Advance(close + 2 - pos_);
      AfterBlock(after);
      return true;
    }
    Fail("a raw block has no end");
  }

  void Inside(char kind) {
    bool block = kind == '%';
    std::string_view close = block ? "%}" : "}}";
    Add(block ? Token::Kind::kBlockBegin : Token::Kind::kPrintBegin, "");
    int depth = 0;  // of brackets: "}}" can close two mappings
    for (;;) {
      SkipSpace();
      if (pos_ >= s_.size()) Fail("a tag has no end");
      char sign = s_[pos_];
      bool signed_close = (sign == '-' || (block && sign == '+')) &&
                          std::string_view(s_).substr(pos_ + 1).starts_with(close);
      if (depth == 0 && (signed_close || At(close))) {
        Add(block ? Token::Kind::kBlockEnd : Token::Kind::kPrintEnd, "");
        Advance(signed_close ? 3 : 2);
        if (block) {
          AfterBlock(signed_close ? sign : 0);
        } else if (signed_close) {
          AfterBlock('-');
        }
        return;
      }
      depth += Piece();
    }
  }

  // One token; how it changes the depth of brackets.
  int Piece() {
    char c = s_[pos_];
    if (c == '\'' || c == '"') return String(c);
    if (IsDigit(c)) return Number();
    if (IsNameByte(c)) {
      size_t end = pos_;
      while (end < s_.size() && IsNameByte(s_[end])) ++end;
      Add(Token::Kind::kName, s_.substr(pos_, end - pos_));
      Advance(end - pos_);
      return 0;
    }
    for (std::string_view op : {"==", "!=", "<=", ">=", "//", "**"}) {
      if (At(op)) return Operator(std::string(op));
    }
    if (std::string_view("+-*/%~<>=|.,:()[]{}").find(c) == std::string_view::npos)
      Fail("a character that templates do not know");
    return Operator(std::string(1, c));
  }

  int Operator(const std::string& op) {
    Add(Token::Kind::kOperator, op);
    Advance(op.size());
    if (op == "(" || op == "[" || op == "{") return 1;
    return op == ")" || op == "]" || op == "}" ? -1 : 0;
  }

  int Number() {
    size_t end = pos_;
    bool real = false;
    auto digits = [&] {
      while (end < s_.size() && (IsDigit(s_[end]) || s_[end] == '_')) ++end;
    };
    digits();
    if (end + 1 < s_.size() && s_[end] == '.' && IsDigit(s_[end + 1])) {
      real = true;
      ++end;
      digits();
    }
    if (end < s_.size() && (s_[end] | 0x20) == 'e') {
      size_t from = end + 1;
      if (from < s_.size() && (s_[from] == '+' || s_[from] == '-')) ++from;
      if (from < s_.size() && IsDigit(s_[from])) {
        real = true;
        end = from;
        digits();
      }
    }
    std::string text = s_.substr(pos_, end - pos_);
    std::erase(text, '_');
    Add(real ? Token::Kind::kReal : Token::Kind::kInteger, text);
    Advance(end - pos_);
    return 0;
  }

  int String(char mark) {
    std::string value;
    size_t i = pos_ + 1;
    for (; i < s_.size() && s_[i] != mark; ++i) {
      if (s_[i] != '\\') {
        value += s_[i];
      } else if (++i < s_.size()) {
        i = Escape(i, &value);
      }
    }
    if (i >= s_.size()) Fail("a string has no end");
    Add(Token::Kind::kString, SanitizeUtf8(value));
    Advance(i + 1 - pos_);
    return 0;
  }

  // The escape whose letter stands at i; where its last character is.
  size_t Escape(size_t i, std::string* out) {
    static constexpr std::string_view kFrom = "ntrabfv0\\'\"", kTo("\n\t\r\a\b\f\v\0\\'\"", 11);
    char c = s_[i];
    size_t width = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (width) {
      std::string hex = s_.substr(i + 1, width);
      if (hex.size() != width ||
          hex.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
        Fail("a string has a broken escape");
      unsigned long value = std::stoul(hex, nullptr, 16);
      if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) value = 0xFFFD;
      AppendUtf8(static_cast<char32_t>(value), out);
      return i + width;
    }
    size_t at = kFrom.find(c);
    if (c == '\n') return i;
    if (at == std::string_view::npos) *out += '\\';
    *out += at == std::string_view::npos ? c : kTo[at];
    return i;
  }

  std::string s_;
  size_t pos_ = 0;
  int line_ = 1;
  bool line_starts_ = true;  // the last thing read ended a line
  std::vector<Token> out_;
};

}  // namespace

std::vector<Token> Lex(std::string_view source) { return Lexer(Lines(source)).Run(); }

}  // namespace sightline::language::jinja
