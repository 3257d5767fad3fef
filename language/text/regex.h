// Regular expressions of tokenizer files that no hand-written splitter knows (ICU's engine). The
// files are written for Oniguruma: what the two read differently is rewritten.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "compute/base/status.h"

namespace sightline::language {

using ByteRange = std::pair<size_t, size_t>;  // [begin, end) in bytes

class Regex {
 public:
  // INVALID_ARGUMENT when the pattern is not one.
  static StatusOr<std::unique_ptr<Regex>> Compile(std::string_view pattern);
  virtual ~Regex() = default;
  // Non-empty matches in valid UTF-8, from left to right. Thread-safe. RESOURCE_EXHAUSTED when one
  // match takes more than a second or so, or the whole text more than ten.
  virtual StatusOr<std::vector<ByteRange>> FindAll(std::string_view text) const = 0;
};

}  // namespace sightline::language
