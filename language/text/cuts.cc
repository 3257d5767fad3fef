#include "language/text/cuts.h"

#include "absl/strings/str_cat.h"

namespace sightline::language {
namespace {

struct Cut {
  ByteRange range;
  bool is_match;
};

// Matches and the gaps between them, covering the text.
std::vector<Cut> CutsOf(const std::vector<ByteRange>& matches, size_t size, bool invert) {
  std::vector<Cut> cuts;
  size_t last = 0;
  for (const ByteRange& m : matches) {
    if (m.first > last) cuts.push_back({{last, m.first}, invert});
    cuts.push_back({m, !invert});
    last = m.second;
  }
  if (last < size) cuts.push_back({{last, size}, invert});
  return cuts;
}

}  // namespace

StatusOr<SplitBehavior> ParseSplitBehavior(std::string_view name) {
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  return absl::UnimplementedError("tokenizer.json: split behavior '" + std::string(name) +
                                  "' is not supported");
}

std::vector<ByteRange> Pieces(const std::vector<ByteRange>& matches, size_t size,
                              SplitBehavior behavior, bool invert) {
  std::vector<ByteRange> out;
  bool previous = false;  // was the last cut a match
  for (const auto& [range, is_match] : CutsOf(matches, size, invert)) {
    bool join = false;
    if (behavior == SplitBehavior::kMergedWithPrevious) join = is_match && !previous;
    if (behavior == SplitBehavior::kMergedWithNext) join = !is_match && previous;
    if (behavior == SplitBehavior::kContiguous) join = is_match == previous;
    previous = is_match;
    if (behavior == SplitBehavior::kRemoved && is_match) continue;
    if (join && !out.empty()) {
      out.back().second = range.second;
    } else {
      out.push_back(range);
    }
  }
  return out;
}

}  // namespace sightline::language
