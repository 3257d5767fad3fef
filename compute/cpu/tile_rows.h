// The rows of one tile of a BlockList, with the addresses of its keys and values.
#pragma once

#include <cstdint>
#include <vector>

#include "compute/attention/attention.h"

namespace sightline {

// Reused from tile to tile: the vectors keep their space.
struct TileRows {
  static constexpr int32_t kPad = 16;  // of places, so that whole vectors may be read

  std::vector<int32_t> queries;    // in stored order
  std::vector<int32_t> keys;       // sorted
  std::vector<const float*> k, v;  // of each key, at head 0
  std::vector<int64_t> live;       // of each query: how many of the keys it sees
  std::vector<int32_t> places;     // of each key, where there is a pair bias; then kPad of none
  void Read(const AttentionArgs& args, int tile);
};

}  // namespace sightline
