// What attention_tiles.cc is made of: products of register blocks, and keys and values in the order
// these read them. Included once for each SIMD target.
#if defined(SIGHTLINE_ATTENTION_PARTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SIGHTLINE_ATTENTION_PARTS_INL_H_
#undef SIGHTLINE_ATTENTION_PARTS_INL_H_
#else
#define SIGHTLINE_ATTENTION_PARTS_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "compute/cpu/float_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::CappedTag<float, 16>;
using VF = hn::Vec<DF>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(DF()));
// Rows and columns of a register block: 12 sums of 16 registers, 24 of 32.
constexpr int kBlockRows = kLanes == 16 ? 12 : 6;
constexpr int kPanel = 2 * kLanes;

// sum[r][v] += a[r][i] b[i][v] for i in [0, n), in that order; b [n][V vectors].
template <int R, int V>
HWY_INLINE void AddProducts(const float* const* a, const float* b, int64_t n, VF (*sum)[V]) {
  const DF df;
  for (int64_t i = 0; i < n; ++i, b += V * kLanes) {
    VF x[V];
    HWY_UNROLL(2)
    for (int v = 0; v < V; ++v) x[v] = hn::Load(df, b + v * kLanes);
    HWY_UNROLL(12)
    for (int r = 0; r < R; ++r) {
      VF w = hn::Set(df, a[r][i]);
      HWY_UNROLL(2)
      for (int v = 0; v < V; ++v) sum[r][v] = hn::MulAdd(w, x[v], sum[r][v]);
    }
  }
}

// A vector whose block b of four lanes is the four floats at row[4 b] + i.
template <class D>
HWY_INLINE hn::Vec<D> LoadBlocks(D d, const float* const* row, int64_t i) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return hn::LoadU(d, row[0] + i);
  } else {
    const hn::Half<D> half;
    constexpr size_t kRows = hn::MaxLanes(hn::Half<D>());
    return hn::Combine(d, LoadBlocks(half, row + kRows, i), LoadBlocks(half, row, i));
  }
}

// The next head's numbers of the same rows: pieces far apart, which the hardware doesn't foresee.
HWY_INLINE void FetchNext(const float* piece, int64_t d) {
  constexpr int64_t kLine = 16;
  for (int64_t i = d; i < 2 * d; i += kLine) hwy::Prefetch(piece + i);
}

// Keys [d][kPanel] of each panel of kPanel rows; rows past `n` repeat the last one.
HWY_INLINE void PackKeys(const float* const* rows, int64_t n, int64_t head, int64_t d, float* out) {
  const DF df;
  for (int64_t p = 0; p < n; p += kPanel, out += d * kPanel) {
    const float* row[kPanel];
    for (int64_t j = 0; j < kPanel; ++j) {
      row[j] = rows[HWY_MIN(p + j, n - 1)] + head;
      FetchNext(row[j], d);
    }
    int64_t i = 0;
    for (; i + 4 <= d; i += 4) {
      for (int v = 0; v < kPanel; v += kLanes) {
        VF a = LoadBlocks(df, row + v, i), b = LoadBlocks(df, row + v + 1, i);
        VF c = LoadBlocks(df, row + v + 2, i), e = LoadBlocks(df, row + v + 3, i);
        VF low0 = hn::InterleaveLower(df, a, c), low1 = hn::InterleaveLower(df, b, e);
        VF high0 = hn::InterleaveUpper(df, a, c), high1 = hn::InterleaveUpper(df, b, e);
        float* to = out + i * kPanel + v;
        hn::Store(hn::InterleaveLower(df, low0, low1), df, to);
        hn::Store(hn::InterleaveUpper(df, low0, low1), df, to + kPanel);
        hn::Store(hn::InterleaveLower(df, high0, high1), df, to + 2 * kPanel);
        hn::Store(hn::InterleaveUpper(df, high0, high1), df, to + 3 * kPanel);
      }
    }
    for (; i < d; ++i) {
      for (int64_t j = 0; j < kPanel; ++j) out[i * kPanel + j] = row[j][i];
    }
  }
}

// Values [n][width] of each panel of kPanel columns (the last of kLanes where fewer are left), with
// zeros past column d.
HWY_INLINE void PackValues(const float* const* rows, int64_t n, int64_t head, int64_t d,
                           float* out) {
  const DF df;
  for (int64_t c = 0; c < d; c += kPanel) {
    int64_t width = d - c <= kLanes ? kLanes : kPanel;
    for (int64_t j = 0; j < n; ++j, out += width) {
      const float* from = rows[j] + head + c;
      if (c == 0) FetchNext(from, d);
      for (int64_t i = 0; i < width; i += kLanes) {
        if (c + i + kLanes <= d) {
          hn::Store(hn::LoadU(df, from + i), df, out + i);
        } else {
          for (int64_t k = i; k < i + kLanes; ++k) out[k] = c + k < d ? from[k] : 0.0f;
        }
      }
    }
  }
}

// The sum of each block of four lanes of a, b, c and e, side by side.
HWY_INLINE VF BlockSums(VF a, VF b, VF c, VF e) {
  const DF df;
  VF ac = hn::Add(hn::InterleaveLower(df, a, c), hn::InterleaveUpper(df, a, c));
  VF be = hn::Add(hn::InterleaveLower(df, b, e), hn::InterleaveUpper(df, b, e));
  return hn::Add(hn::InterleaveLower(df, ac, be), hn::InterleaveUpper(df, ac, be));
}

// The sum of a vector's blocks of four lanes, as four.
template <class D>
HWY_INLINE hn::Vec<hn::FixedTag<float, 4>> FoldBlocks(D /*d*/, hn::Vec<D> sum) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return sum;
  } else {
    const hn::Half<D> half;
    return FoldBlocks(half, hn::Add(hn::LowerHalf(half, sum), hn::UpperHalf(half, sum)));
  }
}

// Lane i: the sum of the lanes of sum[i], one for each lane of D.
template <class D>
HWY_INLINE hn::Vec<D> LaneSums(D d, const VF* sum) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return FoldBlocks(DF(), BlockSums(sum[0], sum[1], sum[2], sum[3]));
  } else {
    const hn::Half<D> half;
    constexpr size_t kHalf = hn::MaxLanes(hn::Half<D>());
    return hn::Combine(d, LaneSums(half, sum + kHalf), LaneSums(half, sum));
  }
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // SIGHTLINE_ATTENTION_PARTS_INL_H_
