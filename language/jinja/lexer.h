// From the source of a template to tokens: text between tags, and what stands inside of them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sightline::language::jinja {

struct Token {
  enum class Kind {
    kText,        // outside of tags
    kPrintBegin,  // {{
    kPrintEnd,    // }}
    kBlockBegin,  // {%
    kBlockEnd,    // %}
    kName,
    kString,
    kInteger,
    kReal,
    kOperator,
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::string text;  // a string's value, or as written
  int line = 1;
  bool Is(Kind k, std::string_view t) const { return kind == k && text == t; }
  bool Operator(std::string_view t) const { return Is(Kind::kOperator, t); }
  bool Name(std::string_view t) const { return Is(Kind::kName, t); }
};

// White space as chat templates expect it (trim_blocks and lstrip_blocks on; "-" and "+" signs; one
// line end at the end of the file is dropped). Throws Error.
std::vector<Token> Lex(std::string_view source);

}  // namespace sightline::language::jinja
