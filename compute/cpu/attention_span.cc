#include "compute/cpu/attention_span.h"

#include <algorithm>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compute/cpu/attention_span.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/cache_control.h>

#include "compute/cpu/float_math-inl.h"
#include "compute/cpu/halves-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {

constexpr int64_t kKeys = 64;   // keys whose logits are held at a time
constexpr int kMaxQueries = 8;  // queries (rows times heads of a group) that share a loaded key
constexpr int64_t kGroups = 8;  // groups of heads whose logits are held at a time
constexpr int kWidth = static_cast<int>(hn::MaxLanes(HalfDF()));
constexpr bool kManyRegisters = kWidth == 16;
constexpr float kNone = -std::numeric_limits<float>::infinity();

// Sets of four keys that share a load of the queries, and value vectors whose sums stay in
// registers: as many as the registers hold for N queries.
template <int N>
constexpr int kSets = kManyRegisters || N <= 3 ? 2 : 1;
template <int N>
constexpr int kValueVectors = kManyRegisters ? (N <= 5 ? 4 : 2)
                                             : (N <= 3   ? 4
                                                : N <= 6 ? 2
                                                         : 1);

struct Rows {
  const uint8_t* base;  // of the first row, at the head
  int64_t stride;       // bytes
  const uint8_t* at(int64_t r) const { return base + r * stride; }
};

// Four rows' vectors, transposed in blocks of 4 x 4: lane 4 b + j of t[i] is number 4 b + i of row
// j.
template <BlockFormat F>
HWY_INLINE void Transposed(const uint8_t* a, const uint8_t* b, const uint8_t* c, const uint8_t* d,
                           HalfVF* t) {
  const HalfDF df;
  HalfVF x0 = LoadWide<F>(a), x1 = LoadWide<F>(b), x2 = LoadWide<F>(c), x3 = LoadWide<F>(d);
  HalfVF low0 = hn::InterleaveLower(df, x0, x2), low1 = hn::InterleaveLower(df, x1, x3);
  HalfVF high0 = hn::InterleaveUpper(df, x0, x2), high1 = hn::InterleaveUpper(df, x1, x3);
  t[0] = hn::InterleaveLower(df, low0, low1);
  t[1] = hn::InterleaveUpper(df, low0, low1);
  t[2] = hn::InterleaveLower(df, high0, high1);
  t[3] = hn::InterleaveUpper(df, high0, high1);
}

// The sum of a vector's blocks of four lanes, to four floats.
template <int kW, class V>
HWY_INLINE void StoreBlockSum(V sum, float* to) {
  const hn::FixedTag<float, 4> d4;
  if constexpr (kW == 16) {
    const hn::Half<HalfDF> dh;
    const hn::Half<decltype(dh)> dq;
    auto half = hn::Add(hn::LowerHalf(dh, sum), hn::UpperHalf(dh, sum));
    hn::StoreU(hn::Add(hn::LowerHalf(dq, half), hn::UpperHalf(dq, half)), d4, to);
  } else if constexpr (kW == 8) {
    const hn::Half<HalfDF> dh;
    hn::StoreU(hn::Add(hn::LowerHalf(dh, sum), hn::UpperHalf(dh, sum)), d4, to);
  } else {
    hn::StoreU(sum, d4, to);
  }
}

// Logits of keys [key, key + 4 S) for N queries. Keys are transposed so that a sum's lanes are keys
// and only blocks remain to be added; `q` holds, for each vector of d and i in 0..3, number 4 b + i
// in all lanes of block b.
template <BlockFormat F, int N, int S>
HWY_INLINE void KeySets(const Rows& k, int64_t d, const float* const* q, int64_t key,
                        float (*logits)[kKeys]) {
  const HalfDF df;
  HalfVF sum[N][S];
  for (int n = 0; n < N; ++n) {
    for (int s = 0; s < S; ++s) sum[n][s] = hn::Zero(df);
  }
  for (int64_t c = 0; c < d; c += kWidth) {
    HalfVF t[S][4];
    for (int s = 0; s < S; ++s) {
      const uint8_t* row = k.at(key + 4 * s) + c * kNumberBytes<F>;
      Transposed<F>(row, row + k.stride, row + 2 * k.stride, row + 3 * k.stride, t[s]);
    }
    for (int n = 0; n < N; ++n) {
      for (int i = 0; i < 4; ++i) {
        HalfVF x = hn::Load(df, q[n] + 4 * c + i * kWidth);
        for (int s = 0; s < S; ++s) sum[n][s] = hn::MulAdd(t[s][i], x, sum[n][s]);
      }
    }
  }
  for (int n = 0; n < N; ++n) {
    for (int s = 0; s < S; ++s) StoreBlockSum<kWidth>(sum[n][s], logits[n] + key + 4 * s);
  }
}

// values[n] = values[n] keep[n] + sum over keys of weights[n][key] v[key], V vectors from number c
// on.
template <BlockFormat F, int N, int V>
HWY_INLINE void AddValues(const Rows& v, int64_t c, int64_t first, int64_t last,
                          const float (*weights)[kKeys], const float* keep, float* const* values) {
  const HalfDF df;
  HalfVF sum[N][V];
  for (int n = 0; n < N; ++n) {
    for (int i = 0; i < V; ++i) {
      sum[n][i] = hn::Mul(hn::LoadU(df, values[n] + c + i * kWidth), hn::Set(df, keep[n]));
    }
  }
  const uint8_t* row = v.at(first) + c * kNumberBytes<F>;
  for (int64_t key = first; key < last; ++key, row += v.stride) {
    if constexpr (N < V) {
      HalfVF w[N];
      for (int n = 0; n < N; ++n) w[n] = hn::Set(df, weights[n][key]);
      for (int i = 0; i < V; ++i) {
        HalfVF x = LoadWide<F>(row + i * kWidth * kNumberBytes<F>);
        for (int n = 0; n < N; ++n) sum[n][i] = hn::MulAdd(x, w[n], sum[n][i]);
      }
    } else {
      HalfVF x[V];
      for (int i = 0; i < V; ++i) x[i] = LoadWide<F>(row + i * kWidth * kNumberBytes<F>);
      for (int n = 0; n < N; ++n) {
        HalfVF w = hn::Set(df, weights[n][key]);
        for (int i = 0; i < V; ++i) sum[n][i] = hn::MulAdd(x[i], w, sum[n][i]);
      }
    }
  }
  for (int n = 0; n < N; ++n) {
    for (int i = 0; i < V; ++i) hn::StoreU(sum[n][i], df, values[n] + c + i * kWidth);
  }
}

// Logits (of base 2) to weights; returns by what the sums so far are to be scaled.
HWY_INLINE float Weigh(float* logits, int64_t keys, float* top, float* total) {
  const HalfDF df;
  for (int64_t i = keys; i % kWidth; ++i) logits[i] = kNone;
  HalfVF most = hn::Load(df, logits);
  for (int64_t i = kWidth; i < keys; i += kWidth) most = hn::Max(most, hn::Load(df, logits + i));
  float now = std::max(*top, hn::GetLane(hn::MaxOfLanes(df, most)));
  if (now == kNone) {  // no key of this block is seen
    std::memset(logits, 0, static_cast<size_t>(keys) * sizeof(float));
    return 1;
  }
  float keep = now == *top ? 1 : hn::GetLane(Exp2(HalfDF(), hn::Set(df, *top - now)));
  HalfVF sum = hn::Zero(df);
  for (int64_t i = 0; i < keys; i += kWidth) {
    HalfVF w = Exp2(HalfDF(), hn::Sub(hn::Load(df, logits + i), hn::Set(df, now)));
    hn::Store(w, df, logits + i);
    sum = hn::Add(sum, w);
  }
  *total = *total * keep + hn::GetLane(hn::SumOfLanes(df, sum));
  *top = now;
  return keep;
}

// Fetches rows some way ahead of the reader, page by page: rows are read head by head, which the
// hardware's own guess does not follow.
struct Fetch {
  const uint8_t *at = nullptr, *next = nullptr;  // in this page; the page after it, null: none
  int64_t left = 0, size = 0;                    // bytes of this page to fetch, and of a page

  // The next bytes, a multiple of 128; the last of a page may reach beyond it.
  HWY_INLINE void Take(int64_t bytes) {
    if (left <= 0) {
      if (!next) return;
      at = next;
      left = size;
      next = nullptr;
    }
    left -= bytes;
    for (const uint8_t* to = at + bytes; at < to; at += 128) {
      hwy::Prefetch(at);
      hwy::Prefetch(at + 64);
    }
  }
};

// Keys [key, key + keys), all in one page, for queries [query, query + N) of every group of heads.
template <BlockFormat F, int N>
struct Block {
  const DecodeAttentionArgs& a;
  const float* expanded;
  const SpanResult& out;
  int64_t query, key, keys;
  int64_t share = a.heads / a.kv_heads;  // query heads of a group
  int64_t first[N];                      // (t, h) of each query in group 0

  Block(const DecodeAttentionArgs& args, const float* q, const SpanResult& result, int64_t query_0,
        int64_t key_0, int64_t count)
      : a(args), expanded(q), out(result), query(query_0), key(key_0), keys(count) {
    int64_t t = query / share, h = query % share;
    for (int64_t& at : first) {
      at = t * a.heads + h;
      if (++h == share) ++t, h = 0;
    }
  }

  const uint8_t* Page(const PagedRows& p, int64_t r) const {
    return static_cast<const uint8_t*>(p.pages[r / p.page_rows]);
  }
  Rows At(const PagedRows& p, int64_t g) const {
    return {Page(p, key) + (key % p.page_rows * p.row_stride + g * a.d) * kNumberBytes<F>,
            p.row_stride * kNumberBytes<F>};
  }
  // What is ahead of this block's reader.
  Fetch Ahead(const PagedRows& p) const {
    constexpr int64_t kAhead = 6144;  // bytes
    const int64_t stride = p.row_stride * kNumberBytes<F>, page = key / p.page_rows + 1;
    const bool more = page * p.page_rows < a.end[a.rows - 1];
    const auto* next = more ? static_cast<const uint8_t*>(p.pages[page]) : nullptr;
    const int64_t from = key % p.page_rows * stride + kAhead, size = p.page_rows * stride;
    if (from < size) return {Page(p, key) + from, next, size - from, size};
    return next ? Fetch{next + (from - size), nullptr, 2 * size - from, size} : Fetch{};
  }

  // What each group fetches in a step, if these queries and groups are the first to read the rows.
  int64_t Part(int64_t g0, int64_t bytes) const {
    return query == 0 && g0 == 0 ? (bytes + 127) / 128 * 128 : 0;
  }
  // Number of (t, h) of query n of group g.
  int64_t Index(int64_t g, int64_t n) const { return first[n] + g * share; }

  void Logits(int64_t g0, int64_t groups, float (*logits)[N][kKeys]) const {
    constexpr int64_t kStep = 4 * kSets<N>;
    const float* q[kGroups][N];
    for (int64_t g = 0; g < groups; ++g) {
      for (int n = 0; n < N; ++n) q[g][n] = expanded + Index(g0 + g, n) * a.d * 4;
    }
    Fetch fetch = Ahead(a.k);
    const Rows rows = At(a.k, g0);
    const int64_t head = a.d * kNumberBytes<F>, part = Part(g0, kStep * rows.stride / groups);
    int64_t whole = keys / kStep * kStep;
    for (int64_t i = 0; i < whole; i += kStep) {
      for (int64_t g = 0; g < groups; ++g) {
        fetch.Take(part);
        KeySets<F, N, kSets<N>>({rows.base + g * head, rows.stride}, a.d, q[g], i, logits[g]);
      }
    }
    for (int64_t i = whole; i < keys; ++i) {  // the last few, each as four of itself
      HWY_ALIGN float four[N][kKeys];
      for (int64_t g = 0; g < groups; ++g) {
        KeySets<F, N, 1>({rows.at(i) + g * head, 0}, a.d, q[g], 0, four);
        for (int n = 0; n < N; ++n) logits[g][n][i] = four[n][0];
      }
    }
  }

  void Values(int64_t g0, int64_t groups, const float (*weights)[N][kKeys],
              float (*keep)[N]) const {
    constexpr int64_t kStep =
        16;  // rows that all heads of a row take part in before the next are read
    constexpr int kV = kValueVectors<N>;
    Fetch fetch = Ahead(a.v);
    const Rows rows = At(a.v, g0);
    const int64_t head = a.d * kNumberBytes<F>, part = Part(g0, kStep * rows.stride / groups);
    for (int64_t i = 0; i < keys; i += kStep) {
      int64_t last = std::min(keys, i + kStep);
      for (int64_t g = 0; g < groups; ++g) {
        fetch.Take(part);
        const Rows v{rows.base + g * head, rows.stride};
        float* values[N];
        for (int n = 0; n < N; ++n) values[n] = out.values + Index(g0 + g, n) * a.d;
        int64_t c = 0;
        for (; c + kV * kWidth <= a.d; c += kV * kWidth) {
          AddValues<F, N, kV>(v, c, i, last, weights[g], keep[g], values);
        }
        for (; c < a.d; c += kWidth) AddValues<F, N, 1>(v, c, i, last, weights[g], keep[g], values);
        std::fill(keep[g], keep[g] + N, 1.0f);
      }
    }
  }

  void Run() const {
    HWY_ALIGN float logits[kGroups][N][kKeys];
    float keep[kGroups][N];
    for (int64_t g0 = 0; g0 < a.kv_heads; g0 += kGroups) {
      int64_t groups = std::min(kGroups, a.kv_heads - g0);
      Logits(g0, groups, logits);
      for (int64_t g = 0; g < groups; ++g) {
        for (int n = 0; n < N; ++n) {
          int64_t at = Index(g0 + g, n), t = at / a.heads, from = a.begin ? a.begin[t] : 0;
          float* x = logits[g][n];
          for (int64_t i = 0; i < std::min(keys, from - key); ++i) x[i] = kNone;
          for (int64_t i = std::max(int64_t{0}, a.end[t] - key); i < keys; ++i) x[i] = kNone;
          keep[g][n] = Weigh(x, keys, out.top + at, out.total + at);
        }
      }
      Values(g0, groups, logits, keep);
    }
  }
};

template <BlockFormat F, int N>
void RunBlock(const DecodeAttentionArgs& a, const float* expanded, const SpanResult& out,
              int64_t query, int64_t key, int64_t keys) {
  Block<F, N>{a, expanded, out, query, key, keys}.Run();
}

template <BlockFormat F>
void SpanFormat(const DecodeAttentionArgs& a, const float* expanded, int64_t first, int64_t last,
                const SpanResult& out) {
  constexpr decltype(&RunBlock<F, 1>) kRun[kMaxQueries] = {
      RunBlock<F, 1>, RunBlock<F, 2>, RunBlock<F, 3>, RunBlock<F, 4>,
      RunBlock<F, 5>, RunBlock<F, 6>, RunBlock<F, 7>, RunBlock<F, 8>};
  int64_t queries = a.heads / a.kv_heads * a.rows;
  for (int64_t key = first, next; key < last; key = next) {
    next = std::min({last, (key / kKeys + 1) * kKeys, (key / a.k.page_rows + 1) * a.k.page_rows});
    for (int64_t q = 0; q < queries; q += kMaxQueries) {
      kRun[std::min<int64_t>(kMaxQueries, queries - q) - 1](a, expanded, out, q, key, next - key);
    }
  }
}

void SpanAll(const DecodeAttentionArgs& a, const float* expanded, int64_t first, int64_t last,
             const SpanResult& out) {
  int64_t n = a.rows * a.heads;
  std::fill(out.top, out.top + n, kNone);
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
  const float factor = a.scale * kLog2E;  // powers of 2 from here on
  for (int64_t t = 0; t < a.rows; ++t) {
    for (int64_t c = 0; c < a.heads * a.d; c += kWidth) {
      const float* q = a.q + t * a.q_stride + c;
      for (int i = 0; i < 4; ++i) {
        for (int lane = 0; lane < kWidth; ++lane) *out++ = factor * q[lane / 4 * 4 + i];
      }
    }
  }
}

void MergeAll(const SpanResult* spans, int64_t count, int64_t at, int64_t d, float* out) {
  const HalfDF df;
  float top = kNone, total = 0;
  for (int64_t i = 0; i < count; ++i) top = std::max(top, spans[i].top[at]);
  std::fill(out, out + d, 0.0f);
  for (int64_t i = 0; i < count; ++i) {
    const SpanResult& s = spans[i];
    if (s.total[at] == 0) continue;
    HalfVF share = Exp2(HalfDF(), hn::Set(df, s.top[at] - top));
    total += hn::GetLane(share) * s.total[at];
    for (int64_t c = 0; c < d; c += kWidth) {
      hn::StoreU(hn::MulAdd(share, hn::LoadU(df, s.values + at * d + c), hn::LoadU(df, out + c)),
                 df, out + c);
    }
  }
  HalfVF inverse = hn::Set(df, 1 / total);
  for (int64_t c = 0; c < d; c += kWidth)
    hn::StoreU(hn::Mul(hn::LoadU(df, out + c), inverse), df, out + c);
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sightline {
HWY_EXPORT(SpanAll);
HWY_EXPORT(ExpandAll);
HWY_EXPORT(MergeAll);
int64_t ExpandedSize(const DecodeAttentionArgs& a) { return a.rows * a.heads * a.d * 4; }
void ExpandQueries(const DecodeAttentionArgs& a, float* expanded) {
  HWY_DYNAMIC_DISPATCH(ExpandAll)(a, expanded);
}
void AttendSpan(const DecodeAttentionArgs& a, const float* expanded, int64_t first, int64_t last,
                const SpanResult& out) {
  HWY_DYNAMIC_DISPATCH(SpanAll)(a, expanded, first, last, out);
}
void MergeSpans(const SpanResult* spans, int64_t count, int64_t at, int64_t d, float* out) {
  HWY_DYNAMIC_DISPATCH(MergeAll)(spans, count, at, d, out);
}
}  // namespace sightline
#endif
