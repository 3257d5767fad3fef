// Attention of few query rows over long paged keys and values: softmax(scale q k^T) v, one pass, as
// decoding needs it. Lists, edits and taps are the general kernel's (attention/attention.h).
//
// Letters: T query rows, H query heads, G key/value heads (H a multiple of G), D head width, S
// keys. Each key and value row is read once for all query rows and heads of its group, in spans of
// keys that are merged in order (Dao et al., "FlashAttention", 2022; Milakov and Gimelshein,
// "Online normalizer calculation for softmax", 2018).
#pragma once

#include <cstdint>

#include "compute/weights/block_format.h"

namespace sightline {

// Row r, head g starts at pages[r / page_rows] + ((r % page_rows) * row_stride + g * D) numbers.
// Views only.
struct PagedRows {
  const void* const* pages = nullptr;
  int64_t page_rows = 64, row_stride = 0;
};

struct DecodeAttentionArgs {
  const float* q = nullptr;  // row t, head h at q + t * q_stride + h * D
  int64_t q_stride = 0;
  PagedRows k, v;
  BlockFormat kv_format = BlockFormat::kF32;  // or kF16, kBF16
  int64_t rows = 1;                           // T, meant to be small
  int64_t heads = 1, kv_heads = 1, d = 0;     // d a multiple of 16
  float scale = 1;
  // Row t reads keys [begin[t], end[t]), none of them empty; neither falls from row to row. begin
  // may be null: 0.
  const int32_t* begin = nullptr;
  const int32_t* end = nullptr;
  float* out = nullptr;  // [T, H, D]
};

// Float32 throughout. Uses ParallelFor; the result does not depend on the threads.
void DecodeAttention(const DecodeAttentionArgs& args);
// Plain loops in double precision.
void DecodeAttentionReference(const DecodeAttentionArgs& args);

}  // namespace sightline
