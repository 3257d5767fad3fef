// Which keys each tile of queries reads: the only thing a selector produces.
//
// A tile is a set of query rows that share one key list, under all heads or under those of some KV
// heads. Rows are given as runs of stored rows, so that windows, regions and dilated neighbourhoods
// need no copy of their tokens.
#pragma once

#include <cstdint>
#include <vector>

namespace sightline {

struct RowRun {
  int32_t first = 0, count = 0;
  bool operator==(const RowRun&) const = default;
};

using HeadRun = RowRun;

struct BlockList {
  std::vector<RowRun> queries, keys;
  std::vector<int32_t> query_begin{0}, key_begin{0};  // CSR: tile t owns [begin[t], begin[t + 1])
  // The KV heads of each tile; empty: all tiles are for all of them. Selectors that choose by head
  // (MInference, LongHeads, MoBA) give a row one tile for each of its runs of heads.
  std::vector<HeadRun> kv_heads;
  // Causal lists also drop keys whose row lies after query_offset + query row.
  bool causal = false;
  int32_t query_offset = 0;

  int tiles() const { return static_cast<int>(query_begin.size()) - 1; }
  void Query(int32_t first, int32_t count = 1) { queries.push_back({first, count}); }
  void Key(int32_t first, int32_t count = 1);
  void EndTile();
  void EndTile(
      HeadRun heads);  // for these KV heads alone: then every tile of the list names its own
  bool IsForHead(int tile, int64_t kv_head) const;
  std::vector<int32_t> KeysOf(int tile) const;     // every key row, sorted
  std::vector<int32_t> QueriesOf(int tile) const;  // in stored order
};

// All of `keys` rows for all of `queries` rows, in tiles of `tile` rows.
BlockList DenseList(int32_t queries, int32_t keys, int32_t tile = 128);
BlockList CausalList(int32_t queries, int32_t query_offset, int32_t tile = 64);
// Same tiles for the same heads; keys of either, or of both.
BlockList Union(const BlockList& a, const BlockList& b);
BlockList Intersect(const BlockList& a, const BlockList& b);

}  // namespace sightline
