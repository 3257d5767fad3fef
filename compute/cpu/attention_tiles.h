// The fast path of attention.h: tiles of query rows against blocks of keys, one pass with an online
// softmax (Dao et al., "FlashAttention", 2022), dispatched to the best SIMD target.
//
// A row's result depends on the row, its keys' order and whether the list is causal, never on the
// other rows of its tile: every sum runs along one fixed order.
#pragma once

#include <cstdint>

#include "compute/attention/attention.h"

namespace sightline {

// Items [begin, end), counted tile * kv_heads + head of keys and values. Single-threaded; a tap's
// masses must be zero.
void AttendTiles(const AttentionArgs& args, int64_t begin, int64_t end);

}  // namespace sightline
