#include "fusion/gguf/piece_merges.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"

namespace sightline {
namespace {

constexpr size_t kLongestPiece = 256;

struct Way {
  std::string_view left, right;
  double score;
};

// Characters, not bytes.
size_t Length(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

StatusOr<std::vector<std::pair<std::string, std::string>>> MergesOfPieces(
    const std::vector<ScoredPiece>& pieces) {
  absl::flat_hash_set<std::string_view> known;
  bool differ = false;
  for (const ScoredPiece& p : pieces) {
    if (p.text.size() > kLongestPiece)
      return absl::InvalidArgumentError("a piece has more than 256 bytes");
    differ = differ || p.score != pieces[0].score;
    known.insert(p.text);
  }
  std::vector<Way> ways;
  for (const ScoredPiece& p : pieces) {
    for (size_t cut = 1; cut < p.text.size(); ++cut) {
      if ((p.text[cut] & 0xC0) == 0x80) continue;  // inside a character
      std::string_view left = p.text.substr(0, cut), right = p.text.substr(cut);
      if (known.contains(left) && known.contains(right)) ways.push_back({left, right, p.score});
    }
  }
  if (!ways.empty() && !differ)
    return absl::UnimplementedError("are all the same, so pieces have no order in which they join");
  std::stable_sort(ways.begin(), ways.end(), [](const Way& a, const Way& b) {
    if (a.score != b.score) return a.score > b.score;
    size_t la = Length(a.left), lb = Length(b.left);
    return la != lb ? la > lb : Length(a.right) > Length(b.right);
  });
  std::vector<std::pair<std::string, std::string>> merges;
  merges.reserve(ways.size());
  for (const Way& w : ways) merges.emplace_back(w.left, w.right);
  return merges;
}

}  // namespace sightline
