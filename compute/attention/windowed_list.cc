#include "compute/attention/windowed_list.h"

#include <algorithm>

namespace sightline {

BlockList WindowedCausalList(int32_t queries, int32_t length, int32_t window) {
  if (window <= 0 || length + queries <= window) return CausalList(queries, length);
  // Rows of one tile share their keys, and each row's window starts one later: a tile is one row.
  BlockList list;
  list.causal = true;
  list.query_offset = length;
  for (int32_t q = 0; q < queries; ++q) {
    int32_t end = length + q + 1, first = std::max(0, end - window);
    list.Query(q, 1);
    list.Key(first, end - first);
    list.EndTile();
  }
  return list;
}

}  // namespace sightline
