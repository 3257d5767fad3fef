// Key lists of a decoder step: all keys so far, or a sliding window of them.
#pragma once

#include <cstdint>

#include "compute/attention/block_list.h"

namespace sightline {

// Queries are rows length..length+queries-1 of the sequence. A query sees the `window` last keys,
// itself included; window 0 (or one that reaches the start) is the plain causal list.
BlockList WindowedCausalList(int32_t queries, int32_t length, int32_t window);

}  // namespace sightline
