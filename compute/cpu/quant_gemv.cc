// Products of few rows: bound by reading the weights once, so one linear pass with a fetch ahead.
// Rows beyond those that registers hold meet each panel again while it is in the caches.
#include "compute/cpu/quant_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compute/cpu/quant_gemv.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/cache_control.h>

#include "compute/cpu/packed_read-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {

// Bytes to fetch ahead: from memory into the second cache, whose queue is longer than the first
// one's, and from there into the first.
constexpr int64_t kFar = 8192, kNear = 2048;
// Rows whose sums stay in registers, two accumulators (integers, floats) a row and vector.
constexpr int kTileRows = kPanelVectors == 1 ? 8 : 4;

HWY_INLINE void FetchAhead(const uint8_t* p) {
  __builtin_prefetch(p + kFar, 0, 2);
  hwy::Prefetch(p + kNear);
}

template <PackedFormat F, int M>
struct Gemv {
  using T = Traits<F>;
  using D = typename T::D;
  using Code = typename D::Code;

  const Code* codes[M];
  const float *scale[M], *sum[M];
  const int32_t *bias[M], *bias16[M];
  VF total[M][kPanelVectors];

  template <int kQ>
  HWY_INLINE void Quads(const uint8_t* pair, int64_t block,
                        typename D::Sum (&s)[M][kPanelVectors]) const {
    int odd = static_cast<int>(block % 2);
    for (int v = 0; v < kPanelVectors; ++v) {
      VI a, b;
      LoadQuads<F, kQ>(pair, odd, v, a, b);
      auto first = D::Prepare(a), second = D::Prepare(b);
      HWY_UNROLL(8)
      for (int m = 0; m < M; ++m) {
        const Code* x = codes[m] + block * 32 + kQ * 8;
        D::Add(s[m][v], first, D::Load(x));
        D::Add(s[m][v], second, D::Load(x + 4));
      }
    }
  }

  template <int kHalf>
  HWY_INLINE void Half(const uint8_t* pair, const SuperScales<F>& super, int64_t block) {
    int odd = static_cast<int>(block % 2);
    typename D::Sum s[M][kPanelVectors];
    VI start[M];
    HWY_UNROLL(8)
    for (int m = 0; m < M; ++m) {
      start[m] = Bias<F>(bias[m], bias16[m], block, kHalf);
      for (int v = 0; v < kPanelVectors; ++v) s[m][v] = D::Start(start[m]);
    }
    if constexpr (kHalf == 0) {
      Quads<0>(pair, block, s);
      Quads<1>(pair, block, s);
    }
    if constexpr (kHalf == 1 || T::kHalves == 1) {
      Quads<2>(pair, block, s);
      Quads<3>(pair, block, s);
    }
    const DF df;
    for (int v = 0; v < kPanelVectors; ++v) {
      VF w = super.Scale(pair, odd, kHalf, v);
      HWY_UNROLL(8)
      for (int m = 0; m < M; ++m) {
        VF dot = hn::ConvertTo(df, D::Finish(s[m][v], start[m]));
        total[m][v] = hn::MulAdd(dot, hn::Mul(w, hn::Set(df, scale[m][block])), total[m][v]);
      }
      if constexpr (T::kMins) {
        VF min = super.Min(pair, odd, v);
        HWY_UNROLL(8)
        for (int m = 0; m < M; ++m) {
          total[m][v] = hn::NegMulAdd(min, hn::Set(df, sum[m][block]), total[m][v]);
        }
      }
    }
  }

  HWY_INLINE void Panel(const uint8_t* p, int64_t blocks) {
    for (int m = 0; m < M; ++m) {
      for (int v = 0; v < kPanelVectors; ++v) total[m][v] = hn::Zero(DF());
    }
    SuperScales<F> super;
    for (int64_t block = 0; block < blocks; block += 2) {
      if constexpr (T::kSuper) {
        if (block % kSuperBlocks == 0) {
          FetchAhead(p);
          super.Load(p);
          p += 64;
        }
      }
      for (int64_t i = 0; i < T::kPairBytes; i += 64) FetchAhead(p + i);
      for (int64_t odd = 0; odd < 2; ++odd) {
        Half<0>(p, super, block + odd);
        if constexpr (T::kHalves == 2) Half<1>(p, super, block + odd);
      }
      p += T::kPairBytes;
    }
  }
};

template <PackedFormat F, int M>
void GemvRows(const PackedMatrix& w, const QuantRows& x, int64_t row, int64_t begin, int64_t end,
              float* out, int64_t out_stride) {
  Gemv<F, M> g;
  for (int m = 0; m < M; ++m) {
    int64_t r = row + m, b = r * x.blocks;
    g.codes[m] = CodesOf<F>(x, r);
    g.scale[m] = x.scale + b;
    g.sum[m] = x.sum + b;
    g.bias[m] = x.bias + b;
    g.bias16[m] = x.bias16 + 2 * b;
  }
  const DF df;
  HWY_ALIGN float last[16];
  for (int64_t p = begin; p < end; ++p) {
    g.Panel(w.panel(p), w.blocks);
    int64_t rows = w.n - p * kPanelRows;
    for (int m = 0; m < M; ++m) {
      float* to = out + (row + m) * out_stride + p * kPanelRows;
      for (int v = 0; v < kPanelVectors; ++v) {
        hn::StoreU(g.total[m][v], df, (rows < kPanelRows ? last : to) + v * kLanes);
      }
      for (int64_t i = 0; rows < kPanelRows && i < rows; ++i) to[i] = last[i];
    }
  }
}

// Up to kTileRows rows.
template <PackedFormat F, int M = kTileRows>
void GemvTile(const PackedMatrix& w, const QuantRows& x, int64_t row, int64_t count, int64_t begin,
              int64_t end, float* out, int64_t out_stride) {
  if constexpr (M > 1) {
    if (count < M) return GemvTile<F, M - 1>(w, x, row, count, begin, end, out, out_stride);
  }
  GemvRows<F, M>(w, x, row, begin, end, out, out_stride);
}

template <PackedFormat F>
void GemvFormat(const PackedMatrix& w, const QuantRows& x, int64_t row, int64_t count,
                int64_t begin, int64_t end, float* out, int64_t out_stride) {
  if (count <= kTileRows) return GemvTile<F>(w, x, row, count, begin, end, out, out_stride);
  const int64_t tiles = (count + kTileRows - 1) / kTileRows;
  for (int64_t p = begin; p < end; ++p) {
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t from = count * i / tiles, to = count * (i + 1) / tiles;
      GemvTile<F>(w, x, row + from, to - from, p, p + 1, out, out_stride);
    }
  }
}

void GemvAll(const PackedMatrix& w, const QuantRows& x, int64_t row, int64_t count, int64_t begin,
             int64_t end, float* out, int64_t out_stride) {
  switch (w.format) {
    case PackedFormat::kQ8:
      return GemvFormat<PackedFormat::kQ8>(w, x, row, count, begin, end, out, out_stride);
    case PackedFormat::kQ4:
      return GemvFormat<PackedFormat::kQ4>(w, x, row, count, begin, end, out, out_stride);
    case PackedFormat::kQ4K:
      return GemvFormat<PackedFormat::kQ4K>(w, x, row, count, begin, end, out, out_stride);
    case PackedFormat::kQ6K:
      return GemvFormat<PackedFormat::kQ6K>(w, x, row, count, begin, end, out, out_stride);
  }
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sightline {
HWY_EXPORT(GemvAll);
void GemvPanels(const PackedMatrix& w, const QuantRows& x, int64_t row, int64_t count,
                int64_t begin, int64_t end, float* out, int64_t out_stride) {
  HWY_DYNAMIC_DISPATCH(GemvAll)(w, x, row, count, begin, end, out, out_stride);
}
}  // namespace sightline
#endif
