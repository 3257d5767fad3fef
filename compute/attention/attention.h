// The general attention kernel: softmax(scale * q k^T) v over the keys of a BlockList, edited and
// tapped as asked. One a backend; the CPU also has one for a decoder's plain causal rows
// (compute/cpu/decode_attention.h), which PagedAttention picks where nothing is asked.
//
// Letters: T query rows, S key rows, H query heads, G key/value heads (H a multiple of G), D head
// width.
#pragma once

#include <cstdint>

#include "compute/attention/block_list.h"
#include "compute/attention/edit_plan.h"
#include "compute/attention/pair_bias.h"

namespace sightline {

// Keys or values by row: contiguous rows, or pages of `page_rows` rows (paged KV). Row r, head g
// starts at pages[r / page_rows] + (r % page_rows) * row_stride + g * D. Views only; the owner
// outlives the call.
struct KvRows {
  const float* const* pages = nullptr;
  int32_t page_rows = 1;
  int64_t row_stride = 0;  // floats
  const float* Row(int32_t r, int64_t head, int64_t d) const {
    return pages[r / page_rows] + static_cast<int64_t>(r % page_rows) * row_stride + head * d;
  }
};

struct AttentionArgs {
  const float* q = nullptr;  // row t, head h at q + t * q_stride + h * D
  int64_t q_stride = 0;
  KvRows k, v;
  int64_t rows = 0;  // T
  int64_t heads = 1, kv_heads = 1, d = 0;
  float scale = 1;  // never derived from D
  const BlockList* lists = nullptr;
  PairBias bias;                   // added to the scaled logit, before `edit`
  const EditPlan* edit = nullptr;  // may be null
  ScoreTap* tap = nullptr;         // may be null; needs edit->key_class
  float* out = nullptr;            // [T, H, D]; rows in no tile are left alone
};

// The CPU's kernel, on host memory; models go through AttentionPlan. Threads: tiles are
// independent; the result does not depend on how they are spread.
void Attend(const AttentionArgs& args);
// Plain loops in double precision: what every test trusts.
void AttendReference(const AttentionArgs& args);

}  // namespace sightline
