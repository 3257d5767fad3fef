#include "language/jinja/text.h"

#include <algorithm>

#include "language/text/unicode.h"

namespace sightline::language::jinja {

Text::Text(std::string s, bool outside) : s_(std::move(s)) {
  if (outside && !s_.empty()) spans_.push_back({0, s_.size()});
}

void Text::Append(const Text& other) {
  size_t base = s_.size();
  s_ += other.s_;
  for (const TextSpan& s : other.spans_) {
    if (!spans_.empty() && spans_.back().end == base + s.begin) {
      spans_.back().end = base + s.end;
    } else {
      spans_.push_back({base + s.begin, base + s.end});
    }
  }
}

Text Text::Slice(size_t begin, size_t end) const {
  Text out;
  if (begin >= end) return out;
  out.s_ = s_.substr(begin, end - begin);
  auto it = std::lower_bound(spans_.begin(), spans_.end(), begin,
                             [](const TextSpan& s, size_t at) { return s.end <= at; });
  for (; it != spans_.end() && it->begin < end; ++it)
    out.spans_.push_back({std::max(it->begin, begin) - begin, std::min(it->end, end) - begin});
  return out;
}

std::vector<size_t> CharacterStarts(std::string_view s) {
  std::vector<size_t> out;
  for (size_t pos = 0; pos < s.size(); pos += DecodeUtf8(s, pos).bytes) out.push_back(pos);
  out.push_back(s.size());
  return out;
}

}  // namespace sightline::language::jinja
