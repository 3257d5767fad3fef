// A string of a template and which of its bytes came from outside.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "language/text/added_tokens.h"

namespace sightline::language::jinja {

// Stops parsing or rendering; caught in template.cc and never thrown further.
struct Error : std::runtime_error {
  enum class Kind { kInvalid, kUnsupported, kRefused, kLimit };
  Error(Kind k, const std::string& what, int at_line = 0)
      : std::runtime_error(what), kind(k), line(at_line) {}
  Kind kind;
  int line;  // 0: not known yet
};

[[noreturn]] inline void Fail(const std::string& what) { throw Error(Error::Kind::kInvalid, what); }
[[noreturn]] inline void Unsupported(const std::string& what) {
  throw Error(Error::Kind::kUnsupported, what);
}

class Text {
 public:
  Text() = default;
  explicit Text(std::string s, bool outside = false);

  const std::string& str() const { return s_; }
  // Sorted and apart.
  const std::vector<TextSpan>& spans() const { return spans_; }
  bool outside() const { return !spans_.empty(); }  // any byte of it
  size_t size() const { return s_.size(); }

  void Append(const Text& other);
  void Append(std::string_view own) { s_ += own; }
  Text Slice(size_t begin, size_t end) const;  // bytes

 private:
  std::string s_;
  std::vector<TextSpan> spans_;
};

// Places of characters: byte offsets of each one and of the end.
std::vector<size_t> CharacterStarts(std::string_view s);

}  // namespace sightline::language::jinja
