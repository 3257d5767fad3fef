// The kernel behind decode_attention.h, dispatched to the best SIMD target. Single-threaded.
#pragma once

#include "compute/cpu/decode_attention.h"

namespace sightline {

// Keys that one span covers at most.
constexpr int64_t kSpanKeys = 256;

// For each (t, h): largest logit, sum of exp(logit - largest), and the sum of exp(logit - largest)
// v.
struct SpanResult {
  float* top;     // [T, H]
  float* total;   // [T, H]
  float* values;  // [T, H, D]
};

// q of all rows and heads, scaled and repeated as the kernel wants it: `ExpandedSize` floats.
int64_t ExpandedSize(const DecodeAttentionArgs& args);
void ExpandQueries(const DecodeAttentionArgs& args, float* expanded);
// Attention over keys [first, last) alone.
void AttendSpan(const DecodeAttentionArgs& args, const float* expanded, int64_t first, int64_t last,
                const SpanResult& out);

// Adds the spans of one (t, h), number `at`, in order: out [D].
void MergeSpans(const SpanResult* spans, int64_t count, int64_t at, int64_t d, float* out);

}  // namespace sightline
