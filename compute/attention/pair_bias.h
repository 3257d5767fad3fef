// A learned bias of each (query, key) pair, added to the scaled logit: relative positions of
// windows and neighbourhoods (specs/vision.md 3.1).
//
// Relative positions are differences, so the index of a pair is a sum of one number per row: with
// rows at (y, x), a span of 2K - 1 offsets an axis and index (dy + K - 1) * (2K - 1) + dx + K - 1,
// a key's place is y * (2K - 1) + x and a query's is what is left. One integer a row, whatever the
// number of pairs: every backend reads the same plan.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sightline {

// Made by a selector, once a shape: where each row stands.
struct BiasPlaces {
  static constexpr int32_t kNone = -(1 << 30);  // pairs with this row have no bias
  std::vector<int32_t> query, key;              // [T], [S]
};

// Neutral: no places. Views only; the owners outlive the call.
struct PairBias {
  const BiasPlaces* places = nullptr;
  const float* table = nullptr;  // [H, entries]
  int64_t entries = 0;

  // Index of a pair in a head's table; below 0 where there is no bias.
  int32_t At(int32_t t, int32_t row) const {
    return places->query[static_cast<size_t>(t)] + places->key[static_cast<size_t>(row)];
  }
};

}  // namespace sightline
