#include "compute/cpu/attention_span.h"

#include <algorithm>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compute/cpu/attention_span.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/cache_control.h>
#include <hwy/contrib/math/math-inl.h>

#include "compute/cpu/halves-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {

constexpr int64_t kKeys = 64;   // keys whose logits are held at a time
constexpr int kMaxQueries = 8;  // queries (rows times heads of a group) that share a loaded key
constexpr int kWidth = static_cast<int>(hn::MaxLanes(HalfDF()));
// Value vectors whose sums are held in registers for all queries.
constexpr int kValueVectors = kWidth == 16 ? 2 : 1;

struct Rows {
  const uint8_t* base;  // of the first row, at the head
  int64_t stride;       // bytes
  const uint8_t* at(int64_t r) const { return base + r * stride; }
};

// Logits of keys [0, 4) for N queries. Four keys' vectors are transposed in blocks of 4 x 4, so
// that a sum's lanes are keys and only blocks remain to be added: `q` holds, for each vector of d
// and i in 0..3, number 4 b + i in all lanes of block b.
template <BlockFormat F, int N>
HWY_INLINE void FourKeys(const Rows& k, int64_t d, const float* const* q, int64_t key,
                         float (*logits)[kKeys]) {
  const HalfDF df;
  HalfVF sum[N];
  for (auto& s : sum) s = hn::Zero(df);
  for (int64_t c = 0; c < d; c += kWidth) {
    HalfVF a = LoadWide<F>(k.at(key) + c * kNumberBytes<F>),
           b = LoadWide<F>(k.at(key + 1) + c * kNumberBytes<F>);
    HalfVF e = LoadWide<F>(k.at(key + 2) + c * kNumberBytes<F>),
           f = LoadWide<F>(k.at(key + 3) + c * kNumberBytes<F>);
    HalfVF low0 = hn::InterleaveLower(df, a, e), low1 = hn::InterleaveLower(df, b, f);
    HalfVF high0 = hn::InterleaveUpper(df, a, e), high1 = hn::InterleaveUpper(df, b, f);
    HalfVF t0 = hn::InterleaveLower(df, low0, low1), t1 = hn::InterleaveUpper(df, low0, low1);
    HalfVF t2 = hn::InterleaveLower(df, high0, high1), t3 = hn::InterleaveUpper(df, high0, high1);
    for (int n = 0; n < N; ++n) {
      const float* x = q[n] + 4 * c;
      sum[n] = hn::MulAdd(t0, hn::Load(df, x), sum[n]);
      sum[n] = hn::MulAdd(t1, hn::Load(df, x + kWidth), sum[n]);
      sum[n] = hn::MulAdd(t2, hn::Load(df, x + 2 * kWidth), sum[n]);
      sum[n] = hn::MulAdd(t3, hn::Load(df, x + 3 * kWidth), sum[n]);
    }
  }
  const hn::FixedTag<float, 4> d4;
  for (int n = 0; n < N; ++n) {
    if constexpr (kWidth == 16) {
      const hn::Half<HalfDF> dh;
      const hn::Half<decltype(dh)> dq;
      auto half = hn::Add(hn::LowerHalf(dh, sum[n]), hn::UpperHalf(dh, sum[n]));
      hn::StoreU(hn::Add(hn::LowerHalf(dq, half), hn::UpperHalf(dq, half)), d4, logits[n] + key);
    } else if constexpr (kWidth == 8) {
      const hn::Half<HalfDF> dh;
      hn::StoreU(hn::Add(hn::LowerHalf(dh, sum[n]), hn::UpperHalf(dh, sum[n])), d4,
                 logits[n] + key);
    } else {
      hn::StoreU(sum[n], d4, logits[n] + key);
    }
  }
}

// The state of N queries within a span.
template <int N>
struct Queries {
  const float* q[N];  // expanded
  float *top[N], *total[N], *values[N];
  int64_t from[N], to[N];  // keys of the span that each may see
};

// values[n] += weights[n][key] v[key] over the block, after scaling by `keep`.
template <BlockFormat F, int N, int V>
HWY_INLINE void AddValues(const Rows& v, int64_t c, int64_t keys, const float (*weights)[kKeys],
                          const float* keep, const Queries<N>& s) {
  const HalfDF df;
  HalfVF sum[N][V];
  for (int n = 0; n < N; ++n) {
    for (int i = 0; i < V; ++i) {
      sum[n][i] = hn::Mul(hn::LoadU(df, s.values[n] + c + i * kWidth), hn::Set(df, keep[n]));
    }
  }
  for (int64_t key = 0; key < keys; ++key) {
    HalfVF x[V];
    for (int i = 0; i < V; ++i) x[i] = LoadWide<F>(v.at(key) + (c + i * kWidth) * kNumberBytes<F>);
    for (int n = 0; n < N; ++n) {
      HalfVF w = hn::Set(df, weights[n][key]);
      for (int i = 0; i < V; ++i) sum[n][i] = hn::MulAdd(x[i], w, sum[n][i]);
    }
  }
  for (int n = 0; n < N; ++n) {
    for (int i = 0; i < V; ++i) hn::StoreU(sum[n][i], df, s.values[n] + c + i * kWidth);
  }
}

// Logits to weights; returns by what the sums so far are to be scaled.
HWY_INLINE float Weigh(float* logits, int64_t keys, float* top, float* total) {
  const HalfDF df;
  for (int64_t i = keys; i % kWidth; ++i) logits[i] = -std::numeric_limits<float>::infinity();
  HalfVF most = hn::Load(df, logits);
  for (int64_t i = kWidth; i < keys; i += kWidth) most = hn::Max(most, hn::Load(df, logits + i));
  float now = std::max(*top, hn::GetLane(hn::MaxOfLanes(df, most)));
  if (now == -std::numeric_limits<float>::infinity()) {  // no key of this block is seen
    std::memset(logits, 0, static_cast<size_t>(keys) * sizeof(float));
    return 1;
  }
  HWY_ALIGN float one[16] = {*top - now};
  float keep = hn::GetLane(hn::Exp(df, hn::Load(df, one)));
  HalfVF sum = hn::Zero(df);
  for (int64_t i = 0; i < keys; i += kWidth) {
    HalfVF w = hn::Exp(df, hn::Sub(hn::Load(df, logits + i), hn::Set(df, now)));
    hn::Store(w, df, logits + i);
    sum = hn::Add(sum, w);
  }
  *total = *total * keep + hn::GetLane(hn::SumOfLanes(df, sum));
  *top = now;
  return keep;
}

// Keys [key, key + keys) of the span, all in one page. `next_k`, `next_v`: rows to fetch meanwhile,
// or null.
template <BlockFormat F, int N>
void Block(const Rows& k, const Rows& v, const uint8_t* next_k, const uint8_t* next_v, int64_t key,
           int64_t keys, int64_t d, const Queries<N>& s) {
  HWY_ALIGN float logits[N][kKeys];
  float keep[N];
  int64_t whole = keys / 4 * 4, row_bytes = d * kNumberBytes<F>;
  for (int64_t i = 0; i < whole; i += 4) {
    for (int64_t r = i; next_k && r < i + 4; ++r) {
      for (int64_t b = 0; b < row_bytes; b += 64) {
        hwy::Prefetch(next_k + r * k.stride + b);
        hwy::Prefetch(next_v + r * v.stride + b);
      }
    }
    FourKeys<F, N>(k, d, s.q, i, logits);
  }
  if (whole < keys) {  // the last few: rows past the end repeat the last one
    for (int64_t i = whole; i < keys; ++i) {
      HWY_ALIGN float four[N][kKeys];
      FourKeys<F, N>({k.at(i), 0}, d, s.q, 0, four);
      for (int n = 0; n < N; ++n) logits[n][i] = four[n][0];
    }
  }
  for (int n = 0; n < N; ++n) {
    for (int64_t i = 0; i < keys; ++i) {
      if (key + i < s.from[n] || key + i >= s.to[n])
        logits[n][i] = -std::numeric_limits<float>::infinity();
    }
    keep[n] = Weigh(logits[n], keys, s.top[n], s.total[n]);
  }
  int64_t c = 0;
  for (; c + kValueVectors * kWidth <= d; c += kValueVectors * kWidth) {
    AddValues<F, N, kValueVectors>(v, c, keys, logits, keep, s);
  }
  for (; c < d; c += kWidth) AddValues<F, N, 1>(v, c, keys, logits, keep, s);
}

template <BlockFormat F, int N>
void SpanOfGroup(const DecodeAttentionArgs& a, const float* expanded, int64_t g, int64_t query,
                 int64_t first, int64_t last, int64_t key, const SpanResult& out) {
  int64_t share = a.heads / a.kv_heads;
  Queries<N> s;
  for (int n = 0; n < N; ++n) {
    int64_t t = (query + n) / share, h = g * share + (query + n) % share, at = t * a.heads + h;
    s.q[n] = expanded + at * a.d * 4;
    s.top[n] = out.top + at;
    s.total[n] = out.total + at;
    s.values[n] = out.values + at * a.d;
    s.from[n] = a.begin ? a.begin[t] : 0;
    s.to[n] = a.end[t];
  }
  auto rows = [&](const PagedRows& p, int64_t r) {
    const auto* page = static_cast<const uint8_t*>(p.pages[r / p.page_rows]);
    return Rows{page + (r % p.page_rows * p.row_stride + g * a.d) * kNumberBytes<F>,
                p.row_stride * kNumberBytes<F>};
  };
  int64_t keys = last - key;
  // Whole blocks are fetched one ahead; a short one at the end of the span is left to the hardware.
  bool ahead = query == 0 && a.k.page_rows % kKeys == 0 && key % kKeys == 0 &&
               key + 2 * kKeys <= a.end[a.rows - 1];
  const uint8_t* next_k = ahead ? rows(a.k, key + kKeys).base : nullptr;
  const uint8_t* next_v = ahead ? rows(a.v, key + kKeys).base : nullptr;
  Block<F, N>(rows(a.k, key), rows(a.v, key), next_k, next_v, key, keys, a.d, s);
}

template <BlockFormat F>
void SpanFormat(const DecodeAttentionArgs& a, const float* expanded, int64_t first, int64_t last,
                const SpanResult& out) {
  int64_t queries = a.heads / a.kv_heads * a.rows;
  for (int64_t key = first, next; key < last; key = next) {
    next = std::min({last, (key / kKeys + 1) * kKeys, (key / a.k.page_rows + 1) * a.k.page_rows});
    for (int64_t g = 0; g < a.kv_heads; ++g) {
      for (int64_t q = 0; q < queries; q += kMaxQueries) {
        auto f = SpanOfGroup<F, 8>;
        switch (queries - q) {
          case 1:
            f = SpanOfGroup<F, 1>;
            break;
          case 2:
            f = SpanOfGroup<F, 2>;
            break;
          case 3:
            f = SpanOfGroup<F, 3>;
            break;
          case 4:
            f = SpanOfGroup<F, 4>;
            break;
          case 5:
            f = SpanOfGroup<F, 5>;
            break;
          case 6:
            f = SpanOfGroup<F, 6>;
            break;
          case 7:
            f = SpanOfGroup<F, 7>;
            break;
          default:
            break;
        }
        f(a, expanded, g, q, first, next, key, out);
      }
    }
  }
}

void SpanAll(const DecodeAttentionArgs& a, const float* expanded, int64_t first, int64_t last,
             const SpanResult& out) {
  int64_t n = a.rows * a.heads;
  std::fill(out.top, out.top + n, -std::numeric_limits<float>::infinity());
  std::fill(out.total, out.total + n, 0.0f);
  std::fill(out.values, out.values + n * a.d, 0.0f);
  switch (a.kv_format) {
    case BlockFormat::kF16:
      return SpanFormat<BlockFormat::kF16>(a, expanded, first, last, out);
    case BlockFormat::kBF16:
      return SpanFormat<BlockFormat::kBF16>(a, expanded, first, last, out);
    default:
      return SpanFormat<BlockFormat::kF32>(a, expanded, first, last, out);
  }
}

void ExpandAll(const DecodeAttentionArgs& a, float* out) {
  for (int64_t t = 0; t < a.rows; ++t) {
    for (int64_t c = 0; c < a.heads * a.d; c += kWidth) {
      const float* q = a.q + t * a.q_stride + c;
      for (int i = 0; i < 4; ++i) {
        for (int lane = 0; lane < kWidth; ++lane) *out++ = a.scale * q[lane / 4 * 4 + i];
      }
    }
  }
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sightline {
HWY_EXPORT(SpanAll);
HWY_EXPORT(ExpandAll);
int64_t ExpandedSize(const DecodeAttentionArgs& a) { return a.rows * a.heads * a.d * 4; }
void ExpandQueries(const DecodeAttentionArgs& a, float* expanded) {
  HWY_DYNAMIC_DISPATCH(ExpandAll)(a, expanded);
}
void AttendSpan(const DecodeAttentionArgs& a, const float* expanded, int64_t first, int64_t last,
                const SpanResult& out) {
  HWY_DYNAMIC_DISPATCH(SpanAll)(a, expanded, first, last, out);
}
}  // namespace sightline
#endif
