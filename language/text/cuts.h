// What a split does with its matches.
#pragma once

#include <string_view>
#include <vector>

#include "language/text/regex.h"

namespace sightline::language {

enum class SplitBehavior { kIsolated, kRemoved, kMergedWithPrevious, kMergedWithNext, kContiguous };

// UNIMPLEMENTED names an unknown behaviour.
StatusOr<SplitBehavior> ParseSplitBehavior(std::string_view name);

// The pieces of a text of `size` bytes with these matches (sorted, apart). `invert`: the gaps are
// the matches.
std::vector<ByteRange> Pieces(const std::vector<ByteRange>& matches, size_t size,
                              SplitBehavior behavior, bool invert);

}  // namespace sightline::language
