// Attention over rows whose queries, keys and values stand side by side, as one linear layer leaves
// them.
#pragma once

#include "compute/attention/attention_plan.h"
#include "compute/base/tensor.h"

namespace sightline {

// A learned bias of pairs as layers hold it: table [H, entries] and the places of the rows. Empty
// table: none.
struct BiasTable {
  const Tensor* table = nullptr;
  const BiasPlaces* places = nullptr;
};

// qkv [..., 3C], columns [q | k | v], each head-major; result [..., C]. Rows that stand in no tile
// of `lists` are 0.
Tensor AttendPacked(const Tensor& qkv, int64_t heads, float scale, const AttentionPlan& plan,
                    const Tensor* bias = nullptr);
// The same with a plan of its own, for lists that are read once.
Tensor AttendPacked(const Tensor& qkv, int64_t heads, float scale, const BlockList& lists,
                    const BiasTable& bias = {});

}  // namespace sightline
