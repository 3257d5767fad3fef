// Attention of a step's rows, each over the stored rows of its own sequence.
//
// Letters: T rows of a step, H query heads, G key/value heads, D head width, S keys of a sequence.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compute/attention/attention_settings.h"
#include "compute/attention/causal_plans.h"
#include "compute/base/tensor.h"
#include "compute/kv/page_pool.h"

namespace sightline {

// Rows [first, first + rows) of a step's tensors belong to one sequence, after `length` stored
// rows. Layer i keeps its keys in part 2 i of the pages and its values in part 2 i + 1.
struct SequenceRows {
  int64_t first = 0, rows = 0;
  int32_t length = 0;
  PageTable* pages = nullptr;  // with room for length + rows
};

struct PagedAttentionSpec {
  int64_t layer = 0, heads = 1, kv_heads = 1, d = 0;
  float scale = 1;
  int32_t window = 0;  // keys that a row sees, itself included; 0: all so far
};

// Stores k and v [T, G * D] as the rows that follow, in the format of the pages.
void AppendRows(const Tensor& k, const Tensor& v, const std::vector<SequenceRows>& sequences,
                int64_t layer);
// q [T, H * D] -> [T, H * D]; rows of no sequence and of no tile give 0. `settings`, one a sequence
// or none at all, may change what is read and done; without them attention is causal and a row's
// result depends on the row and on its sequence's keys and values, to the last bit; not on the
// other rows of the step. So it does for each sequence whose settings are plain, whatever they tap.
// `plans` keeps plain lists from layer to layer; null: they are planned anew.
Tensor PagedAttention(const Tensor& q, const std::vector<SequenceRows>& sequences,
                      const PagedAttentionSpec& spec,
                      std::span<const AttentionSettings> settings = {},
                      CausalPlans* plans = nullptr);
// What the sequence's last row of the step gives each key under the settings' lists and edit:
// [H, S], on the host. With an edit it needs fewer classes than kMaxClasses. Slow; for reading
// models.
Tensor LastRowWeights(const Tensor& q, const SequenceRows& sequence, const PagedAttentionSpec& spec,
                      const AttentionSettings& settings = {});

}  // namespace sightline
