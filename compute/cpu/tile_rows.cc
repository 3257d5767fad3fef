#include "compute/cpu/tile_rows.h"

#include <algorithm>

namespace sightline {
namespace {

void Expand(const std::vector<RowRun>& runs, int32_t begin, int32_t end,
            std::vector<int32_t>* rows) {
  rows->clear();
  for (int32_t i = begin; i < end; ++i) {
    const RowRun& r = runs[static_cast<size_t>(i)];
    for (int32_t k = 0; k < r.count; ++k) rows->push_back(r.first + k);
  }
}

// A division only where the page changes.
void Addresses(const KvRows& kv, const std::vector<int32_t>& rows, std::vector<const float*>* out) {
  out->resize(rows.size());
  int32_t first = 0, last = 0;  // rows of the page at `page`
  const float* page = nullptr;
  for (size_t i = 0; i < rows.size(); ++i) {
    int32_t r = rows[i];
    if (r >= last || r < first) {
      int32_t index = r / kv.page_rows;
      page = kv.pages[index];
      first = index * kv.page_rows;
      last = kv.page_rows > INT32_MAX - first ? INT32_MAX : first + kv.page_rows;
    }
    (*out)[i] = page + (r - first) * kv.row_stride;
  }
}

}  // namespace

void TileRows::Read(const AttentionArgs& a, int tile) {
  const BlockList& l = *a.lists;
  auto t = static_cast<size_t>(tile);
  Expand(l.queries, l.query_begin[t], l.query_begin[t + 1], &queries);
  Expand(l.keys, l.key_begin[t], l.key_begin[t + 1], &keys);
  if (!std::is_sorted(keys.begin(), keys.end())) std::sort(keys.begin(), keys.end());
  Addresses(a.k, keys, &k);
  Addresses(a.v, keys, &v);
  places.clear();
  if (a.bias.places) {
    for (int32_t r : keys) places.push_back(a.bias.places->key[static_cast<size_t>(r)]);
    places.resize(keys.size() + kPad, BiasPlaces::kNone);
  }
  live.assign(queries.size(), static_cast<int64_t>(keys.size()));
  for (size_t i = 0; l.causal && i < queries.size(); ++i) {
    live[i] =
        std::upper_bound(keys.begin(), keys.end(), l.query_offset + queries[i]) - keys.begin();
  }
}

}  // namespace sightline
