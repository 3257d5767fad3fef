#include "fusion/prompt_keys.h"

#include <algorithm>

#include "fusion/digest.h"

namespace sightline {
namespace {

// Rows [first, first + n) of a span: all numbers that the decoder reads of them.
void AddSpan(const VisualSpan& span, int64_t first, int64_t n, Digest* d) {
  size_t rows = static_cast<size_t>(span.rows) * static_cast<size_t>(span.cols),
         width = span.features.size() / rows, levels = span.deepstack.size() / span.features.size();
  size_t from = static_cast<size_t>(first) * width, count = static_cast<size_t>(n) * width;
  d->Number(int32_t{-1});  // no id: what follows is not text
  d->Number(n);
  d->Number(static_cast<uint64_t>(levels));
  d->Numbers(std::span<const float>(span.features).subspan(from, count));
  for (size_t level = 0; level < levels; ++level) {
    size_t start = level * span.features.size() + from;
    d->Numbers(std::span<const float>(span.deepstack).subspan(start, count));
  }
}

}  // namespace

std::vector<PageKey> PromptPageKeys(const Prompt& prompt) {
  std::vector<PageKey> keys;
  size_t piece = 0;
  int64_t offset = 0;  // rows of the piece that are done
  for (int64_t first = 0; first + kPageRows < prompt.tokens; first += kPageRows) {
    Digest d;
    if (!keys.empty()) d.Text(keys.back());
    for (int64_t left = kPageRows; left > 0;) {
      const PromptPiece& p = prompt.pieces[piece];
      int64_t size =
          p.span ? int64_t{p.span->rows} * p.span->cols : static_cast<int64_t>(p.ids.size());
      int64_t n = std::min(left, size - offset);
      if (p.span) {
        AddSpan(*p.span, offset, n, &d);
      } else if (n > 0) {
        d.Numbers(std::span<const int32_t>(p.ids).subspan(static_cast<size_t>(offset),
                                                          static_cast<size_t>(n)));
      }
      left -= n;
      offset += n;
      if (offset == size) ++piece, offset = 0;
    }
    for (int64_t s = 0; s < 3 && !prompt.positions.empty(); ++s) {
      d.Numbers(std::span<const int32_t>(prompt.positions)
                    .subspan(static_cast<size_t>(s * prompt.tokens + first), kPageRows));
    }
    keys.push_back(d.Take());
  }
  return keys;
}

int32_t PositionAfter(const Prompt& prompt, int32_t rows) {
  if (prompt.positions.empty()) return rows;
  int32_t last = -1;
  for (int64_t s = 0; s < 3; ++s) {
    auto from = prompt.positions.begin() + s * prompt.tokens;
    for (auto at = from; at != from + rows; ++at) last = std::max(last, *at);
  }
  return last + 1;
}

}  // namespace sightline
