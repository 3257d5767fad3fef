#include "compute/cpu/decode_attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "compute/base/check.h"
#include "compute/base/thread_pool.h"
#include "compute/cpu/aligned_buffer.h"
#include "compute/cpu/attention_span.h"

namespace sightline {
namespace {

constexpr int64_t kBorder = 64;  // keys whose logits the kernel holds at a time

int64_t Begin(const DecodeAttentionArgs& a, int64_t t) { return a.begin ? a.begin[t] : 0; }

void Check(const DecodeAttentionArgs& a) {
  SL_CHECK(a.kv_heads > 0 && a.heads % a.kv_heads == 0 && a.d > 0 && a.d % 16 == 0 && a.end);
  SL_CHECK(a.kv_format == BlockFormat::kF32 || a.kv_format == BlockFormat::kF16 ||
           a.kv_format == BlockFormat::kBF16);
  SL_CHECK(a.k.page_rows == a.v.page_rows);
  for (int64_t t = 0; t < a.rows; ++t) {
    SL_CHECK(Begin(a, t) >= 0 && Begin(a, t) < a.end[t]);
    SL_CHECK(t == 0 || (Begin(a, t) >= Begin(a, t - 1) && a.end[t] >= a.end[t - 1]));
  }
}

}  // namespace

void DecodeAttention(const DecodeAttentionArgs& a) {
  if (a.rows == 0) return;
  Check(a);
  int64_t n = a.rows * a.heads, first = Begin(a, 0) / kSpanKeys, last = a.end[a.rows - 1];
  int64_t count = (last + kSpanKeys - 1) / kSpanKeys - first;
  // Each span's results start on a cache line of their own.
  int64_t span_floats = (n * (a.d + 2) + 15) / 16 * 16, expanded = (ExpandedSize(a) + 15) / 16 * 16;
  thread_local AlignedBuffer space;
  int64_t bytes = (expanded + count * span_floats) * 4;
  space.Grow(bytes);
  auto* q = reinterpret_cast<float*>(space.data());
  ExpandQueries(a, q);
  std::vector<SpanResult> spans;
  for (int64_t i = 0; i < count; ++i) {
    float* p = q + expanded + i * span_floats;
    spans.push_back({p + n * a.d, p + n * a.d + n, p});
  }
  ParallelFor(count, 1, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      // From a fixed border on, so that a row's sums do not depend on where its neighbours begin.
      int64_t from = std::max((first + i) * kSpanKeys, Begin(a, 0) / kBorder * kBorder),
              to = std::min((first + i + 1) * kSpanKeys, last);
      AttendSpan(a, q, from, to, spans[static_cast<size_t>(i)]);
    }
  });
  for (int64_t at = 0; at < n; ++at) MergeSpans(spans.data(), count, at, a.d, a.out + at * a.d);
}

void DecodeAttentionReference(const DecodeAttentionArgs& a) {
  Check(a);
  auto row = [&](const PagedRows& p, int64_t r, int64_t g) {
    std::vector<float> x(static_cast<size_t>(a.d));
    int64_t bytes = BytesOf(a.kv_format, 1);
    const auto* page = static_cast<const uint8_t*>(p.pages[r / p.page_rows]);
    DequantizeRow(a.kv_format, page + (r % p.page_rows * p.row_stride + g * a.d) * bytes, a.d,
                  x.data());
    return x;
  };
  for (int64_t t = 0; t < a.rows; ++t) {
    for (int64_t h = 0; h < a.heads; ++h) {
      int64_t g = h / (a.heads / a.kv_heads);
      std::vector<double> logits, sum(static_cast<size_t>(a.d));
      double top = -INFINITY, total = 0;
      for (int64_t s = Begin(a, t); s < a.end[t]; ++s) {
        auto k = row(a.k, s, g);
        double dot = 0;
        for (int64_t i = 0; i < a.d; ++i) {
          dot += static_cast<double>(a.q[t * a.q_stride + h * a.d + i]) * k[static_cast<size_t>(i)];
        }
        logits.push_back(dot * a.scale);
        top = std::max(top, logits.back());
      }
      for (int64_t s = Begin(a, t); s < a.end[t]; ++s) {
        double w = std::exp(logits[static_cast<size_t>(s - Begin(a, t))] - top);
        auto v = row(a.v, s, g);
        total += w;
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += w * v[i];
      }
      for (int64_t i = 0; i < a.d; ++i) {
        a.out[(t * a.heads + h) * a.d + i] =
            static_cast<float>(sum[static_cast<size_t>(i)] / total);
      }
    }
  }
}

}  // namespace sightline
