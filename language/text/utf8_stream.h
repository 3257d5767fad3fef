// Holds back bytes until they are whole UTF-8 characters.
#pragma once

#include <string>
#include <string_view>

namespace sightline::language {

// One per stream; not thread-safe.
class Utf8Stream {
 public:
  std::string Push(std::string_view bytes);  // what can be shown now; broken parts become U+FFFD
  std::string Flush();                       // the rest

 private:
  std::string held_;  // at most 3 bytes, the start of a character
};

}  // namespace sightline::language
