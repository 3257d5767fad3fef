// Attention of a step's rows, each over the stored rows of its own sequence.
//
// Letters: T rows of a step, H query heads, G key/value heads, D head width, S keys of a sequence.
#pragma once

#include <cstdint>
#include <vector>

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
// Causal: q [T, H * D] -> [T, H * D]. A row's result depends on the row and on its sequence's keys
// and values, to the last bit; not on the other rows of the step.
Tensor PagedAttention(const Tensor& q, const std::vector<SequenceRows>& sequences,
                      const PagedAttentionSpec& spec);
// What the sequence's last row of the step gives each key: [H, S], on the host. Slow; for reading
// models.
Tensor LastRowWeights(const Tensor& q, const SequenceRows& sequence,
                      const PagedAttentionSpec& spec);

}  // namespace sightline
