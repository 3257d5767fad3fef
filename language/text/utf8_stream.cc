#include "language/text/utf8_stream.h"

#include <algorithm>

#include "language/text/unicode.h"

namespace sightline::language {

std::string Utf8Stream::Push(std::string_view bytes) {
  held_ += bytes;
  size_t whole = held_.size();
  for (size_t back = 1; back <= std::min<size_t>(3, held_.size()); ++back) {
    CodePoint c = DecodeUtf8(held_, held_.size() - back);
    if (c.partial && c.bytes == back) whole = held_.size() - back;
  }
  std::string out = SanitizeUtf8(std::string_view(held_).substr(0, whole));
  held_.erase(0, whole);
  return out;
}

std::string Utf8Stream::Flush() {
  std::string out = SanitizeUtf8(held_);
  held_.clear();
  return out;
}

}  // namespace sightline::language
