#include "compute/attention/block_list.h"

#include <algorithm>

#include "compute/base/check.h"

namespace sightline {

void BlockList::Key(int32_t first, int32_t count) {
  auto begin = static_cast<size_t>(key_begin.back());
  if (keys.size() > begin && keys.back().first + keys.back().count == first) {
    keys.back().count += count;
  } else {
    keys.push_back({first, count});
  }
}

void BlockList::EndTile(HeadRun heads) {
  SL_CHECK(std::ssize(kv_heads) == tiles() && "a tile for all heads stands before one for some");
  kv_heads.push_back(heads);
  query_begin.push_back(static_cast<int32_t>(queries.size()));
  key_begin.push_back(static_cast<int32_t>(keys.size()));
}

bool BlockList::IsForHead(int tile, int64_t kv_head) const {
  if (kv_heads.empty()) return true;
  const HeadRun& run = kv_heads[static_cast<size_t>(tile)];
  return kv_head >= run.first && kv_head - run.first < run.count;
}

void BlockList::EndTile() {
  SL_CHECK(kv_heads.empty() && "a tile for all heads stands after one for some");
  query_begin.push_back(static_cast<int32_t>(queries.size()));
  key_begin.push_back(static_cast<int32_t>(keys.size()));
}

namespace {

std::vector<int32_t> Rows(const std::vector<RowRun>& runs, int32_t begin, int32_t end) {
  std::vector<int32_t> rows;
  for (int32_t i = begin; i < end; ++i) {
    const RowRun& r = runs[static_cast<size_t>(i)];
    for (int32_t k = 0; k < r.count; ++k) rows.push_back(r.first + k);
  }
  return rows;
}

template <typename Op>
BlockList Combine(const BlockList& a, const BlockList& b, Op op) {
  SL_CHECK(a.tiles() == b.tiles() && a.kv_heads == b.kv_heads);
  BlockList out;
  out.causal = a.causal || b.causal;
  out.query_offset = a.causal ? a.query_offset : b.query_offset;
  for (int t = 0; t < a.tiles(); ++t) {
    SL_CHECK(a.QueriesOf(t) == b.QueriesOf(t));
    for (int32_t i = a.query_begin[static_cast<size_t>(t)];
         i < a.query_begin[static_cast<size_t>(t) + 1]; ++i)
      out.queries.push_back(a.queries[static_cast<size_t>(i)]);
    std::vector<int32_t> x = a.KeysOf(t), y = b.KeysOf(t), z;
    op(x, y, &z);
    for (int32_t row : z) out.Key(row);
    a.kv_heads.empty() ? out.EndTile() : out.EndTile(a.kv_heads[static_cast<size_t>(t)]);
  }
  return out;
}

}  // namespace

std::vector<int32_t> BlockList::KeysOf(int tile) const {
  auto rows =
      Rows(keys, key_begin[static_cast<size_t>(tile)], key_begin[static_cast<size_t>(tile) + 1]);
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<int32_t> BlockList::QueriesOf(int tile) const {
  return Rows(queries, query_begin[static_cast<size_t>(tile)],
              query_begin[static_cast<size_t>(tile) + 1]);
}

BlockList DenseList(int32_t queries, int32_t keys, int32_t tile) {
  BlockList list;
  for (int32_t q = 0; q < queries; q += tile) {
    list.Query(q, std::min(tile, queries - q));
    list.Key(0, keys);
    list.EndTile();
  }
  return list;
}

BlockList CausalList(int32_t queries, int32_t query_offset, int32_t tile) {
  BlockList list;
  list.causal = true;
  list.query_offset = query_offset;
  for (int32_t q = 0; q < queries; q += tile) {
    int32_t n = std::min(tile, queries - q);
    list.Query(q, n);
    list.Key(0, query_offset + q + n);
    list.EndTile();
  }
  return list;
}

BlockList Union(const BlockList& a, const BlockList& b) {
  return Combine(a, b, [](const auto& x, const auto& y, auto* z) {
    std::set_union(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(*z));
  });
}

BlockList Intersect(const BlockList& a, const BlockList& b) {
  return Combine(a, b, [](const auto& x, const auto& y, auto* z) {
    std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), std::back_inserter(*z));
  });
}

}  // namespace sightline
