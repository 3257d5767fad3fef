// Products of float32 rows with packed panels of weights. Every output is one chain of fused
// multiply-adds over k in order, held in a register or put down and taken up again between chunks
// of k: a row's result does not depend on how many rows there are.
//
// Blocking after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", 2008:
// a chunk of a panel stays in the first-level cache while it meets the strips of a block of rows,
// which stays in the second.
#include "compute/cpu/float_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compute/cpu/float_gemm.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::CappedTag<float, 16>;
using VF = hn::Vec<DF>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(DF()));
constexpr int kVectors = 16 / kLanes;       // of a panel
constexpr int64_t kBlockBytes = 256 << 10;  // of strips, within a second-level cache of 512 KiB
constexpr int64_t kAhead = 4096;            // bytes fetched ahead where weights come from memory
constexpr int kGemvTile = kVectors == 1 ? 8 : 6;  // rows of few whose sums registers hold

template <BlockFormat F>
constexpr int64_t kStepBytes = F == BlockFormat::kF32 ? 64 : 32;  // a panel's bytes for one k

// Vector v of number k, or of k + 1 where kOdd, at p, the place of k (even).
template <BlockFormat F, bool kOdd>
HWY_INLINE VF LoadOne(const uint8_t* p, int v) {
  const DF d;
  const int at = v * kLanes + (kOdd ? 16 : 0);
  if constexpr (F == BlockFormat::kF32) {
    return hn::LoadU(d, reinterpret_cast<const float*>(p) + at);
  } else if constexpr (F == BlockFormat::kF16) {
    const hn::Rebind<hwy::float16_t, DF> dh;
    return hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(p) + at));
  } else {
    const hn::RebindToUnsigned<DF> du;
    auto both = hn::LoadU(du, reinterpret_cast<const uint32_t*>(p) + v * kLanes);
    return hn::BitCast(d, kOdd ? hn::And(both, hn::Set(du, 0xFFFF0000u)) : hn::ShiftLeft<16>(both));
  }
}

// Hides where a pointer comes from, so that the compiler does not load the next weights early: the
// sums need the registers.
HWY_INLINE const uint8_t* Opaque(const uint8_t* p) {
#if HWY_COMPILER_GCC || HWY_COMPILER_CLANG
  asm volatile("" : "+r"(p));
#endif
  return p;
}

// R rows times P panels.
template <BlockFormat F, int R, int P>
struct Tile {
  static constexpr int kAll = P * kVectors;
  VF sum[R][kAll];

  HWY_INLINE void Clear() {
    for (auto& row : sum) {
      for (auto& s : row) s = hn::Zero(DF());
    }
  }
  template <bool kOdd>
  HWY_INLINE void AddOne(const uint8_t* w, int64_t panel_bytes, const float* x, int64_t stride) {
    w = Opaque(w);
    VF weight[kAll];
    HWY_UNROLL(8)
    for (int v = 0; v < kAll; ++v) {
      weight[v] = LoadOne<F, kOdd>(w + v / kVectors * panel_bytes, v % kVectors);
    }
    HWY_UNROLL(8)
    for (int r = 0; r < R; ++r) {
      VF value = hn::Set(DF(), x[r * stride]);
      HWY_UNROLL(8)
      for (int v = 0; v < kAll; ++v) sum[r][v] = hn::MulAdd(value, weight[v], sum[r][v]);
    }
  }
  // Numbers [0, count) of k of panels at w, w + panel_bytes...; `count` is even but at the end of
  // k.
  template <bool kFetch>
  HWY_INLINE void Add(const uint8_t* w, int64_t panel_bytes, const float* x, int64_t stride,
                      int64_t count) {
    constexpr int64_t kStep = 2 * kStepBytes<F>;
    [[maybe_unused]] const float* next = x + StripFloats();
    for (; count > 1; count -= 2, w += kStep, x += 2) {
      if constexpr (kFetch) {
        for (int64_t b = 0; b < P * kStep; b += 64) {
          hwy::Prefetch(w + b / kStep * panel_bytes + b % kStep + kAhead);
        }
      } else {  // the next strip, a line for each two numbers: more than it has
        hwy::Prefetch(next);
        next += 16;
      }
      AddOne<false>(w, panel_bytes, x, stride);
      AddOne<true>(w, panel_bytes, x + 1, stride);
    }
    if (count > 0) AddOne<false>(w, panel_bytes, x, stride);
  }
  // Columns of panel p, of which `columns` are real; `rows` <= R are.
  HWY_INLINE void Load(const float* from, int64_t stride, int64_t columns) {
    const DF d;
    if (columns >= P * 16) {
      for (int r = 0; r < R; ++r) {
        for (int v = 0; v < kAll; ++v) sum[r][v] = hn::LoadU(d, from + r * stride + v * kLanes);
      }
      return;
    }
    for (int r = 0; r < R; ++r) {
      HWY_ALIGN float part[P * 16] = {};
      std::memcpy(part, from + r * stride, static_cast<size_t>(columns) * sizeof(float));
      for (int v = 0; v < kAll; ++v) sum[r][v] = hn::Load(d, part + v * kLanes);
    }
  }
  HWY_INLINE void Store(float* to, int64_t stride, int64_t columns, const float* bias) {
    const DF d;
    if (columns >= P * 16) {
      for (int v = 0; v < kAll; ++v) {
        VF b = bias ? hn::LoadU(d, bias + v * kLanes) : hn::Zero(d);
        for (int r = 0; r < R; ++r) {
          VF s = bias ? hn::Add(sum[r][v], b) : sum[r][v];
          hn::StoreU(s, d, to + r * stride + v * kLanes);
        }
      }
      return;
    }
    for (int r = 0; r < R; ++r) {
      HWY_ALIGN float part[P * 16];
      for (int v = 0; v < kAll; ++v) hn::Store(sum[r][v], d, part + v * kLanes);
      for (int64_t i = 0; i < columns; ++i) {
        to[r * stride + i] = bias ? part[i] + bias[i] : part[i];
      }
    }
  }
};

template <BlockFormat F, int R, int P>
HWY_INLINE void GemvPanels(const FloatMatrix& w, const float* x, int64_t x_stride, int64_t panel,
                           const FloatOut& out) {
  Tile<F, R, P> t;
  t.Clear();
  t.template Add<true>(w.panel(panel), w.panel_bytes, x, x_stride, w.k);
  int64_t column = panel * 16;
  t.Store(out.data + column, out.stride, w.n - column, out.bias ? out.bias + column : nullptr);
}

template <BlockFormat F, int R>
void GemvRows(const FloatMatrix& w, const float* x, int64_t x_stride, int64_t begin, int64_t end,
              const FloatOut& out) {
  // Enough sums to hide their latency; where registers are many, a number of x serves two panels.
  constexpr int kPanels = R == 1 ? 4 : R <= 3 || kVectors == 1 ? 2 : 1;
  int64_t p = begin;
  for (; p + kPanels <= end; p += kPanels) GemvPanels<F, R, kPanels>(w, x, x_stride, p, out);
  for (; p < end; ++p) GemvPanels<F, R, 1>(w, x, x_stride, p, out);
}

// Up to kGemvTile rows.
template <BlockFormat F, int R = kGemvTile>
void GemvTile(const FloatMatrix& w, const float* x, int64_t x_stride, int64_t rows, int64_t begin,
              int64_t end, const FloatOut& out) {
  if constexpr (R > 1) {
    if (rows < R) return GemvTile<F, R - 1>(w, x, x_stride, rows, begin, end, out);
  }
  GemvRows<F, R>(w, x, x_stride, begin, end, out);
}

// More rows meet each two panels again while they are in the caches.
template <BlockFormat F>
void GemvFormat(const FloatMatrix& w, const float* x, int64_t x_stride, int64_t rows, int64_t begin,
                int64_t end, const FloatOut& out) {
  if (rows <= kGemvTile) return GemvTile<F>(w, x, x_stride, rows, begin, end, out);
  const int64_t tiles = (rows + kGemvTile - 1) / kGemvTile;
  for (int64_t p = begin; p < end; p += 2) {
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t from = rows * i / tiles, to = rows * (i + 1) / tiles;
      GemvTile<F>(w, x + from * x_stride, x_stride, to - from, p, std::min(end, p + 2),
                  {out.data + from * out.stride, out.stride, out.bias});
    }
  }
}

void GemvAll(const FloatMatrix& w, const float* x, int64_t x_stride, int64_t rows, int64_t begin,
             int64_t end, const FloatOut& out) {
  switch (w.format) {
    case BlockFormat::kF32:
      return GemvFormat<BlockFormat::kF32>(w, x, x_stride, rows, begin, end, out);
    case BlockFormat::kF16:
      return GemvFormat<BlockFormat::kF16>(w, x, x_stride, rows, begin, end, out);
    default:
      return GemvFormat<BlockFormat::kBF16>(w, x, x_stride, rows, begin, end, out);
  }
}

// A chunk of a panel as float32 [count][16].
template <BlockFormat F>
void Widen(const uint8_t* w, int64_t count, float* to) {
  const DF d;
  for (int64_t i = 0; i < count; i += 2, w += 2 * kStepBytes<F>, to += 32) {
    for (int v = 0; v < kVectors; ++v) {
      hn::Store(LoadOne<F, false>(w, v), d, to + v * kLanes);
      hn::Store(LoadOne<F, true>(w, v), d, to + 16 + v * kLanes);
    }
  }
}

struct ChunkArgs {
  const float* x;  // a strip
  const uint8_t* w;
  int64_t count;  // of k
  bool first;
  float* out;
  int64_t out_stride, columns;
  const float* bias;  // at the last chunk
};

template <int R>
HWY_NOINLINE void StripTimesChunk(const ChunkArgs& a) {
  Tile<BlockFormat::kF32, R, 1> t;
  if (a.first) {
    t.Clear();
  } else {
    t.Load(a.out, a.out_stride, a.columns);
  }
  for (int64_t r = 0; r < R; ++r) hwy::Prefetch(a.out + (kStripRows + r) * a.out_stride);
  t.template Add<false>(a.w, 0, a.x, kStripStride, a.count);
  t.Store(a.out, a.out_stride, a.columns, a.bias);
}

void StripTimesChunk(int64_t rows, const ChunkArgs& a) {
  switch (rows) {
    case 1:
      return StripTimesChunk<1>(a);
    case 2:
      return StripTimesChunk<2>(a);
    case 3:
      return StripTimesChunk<3>(a);
    case 4:
      return StripTimesChunk<4>(a);
    case 5:
      return StripTimesChunk<5>(a);
    default:
      return StripTimesChunk<6>(a);
  }
}

void GemmAll(const FloatMatrix& w, const float* strips, int64_t rows, int64_t begin, int64_t end,
             const FloatOut& out) {
  HWY_ALIGN float wide[(kDepth + 1) * 16];
  int64_t count = (rows + kStripRows - 1) / kStripRows;
  int64_t most = kBlockBytes / (StripFloats() * static_cast<int64_t>(sizeof(float)));
  int64_t blocks = (count + most - 1) / most, block = (count + blocks - 1) / blocks;
  for (int64_t s0 = 0; s0 < count; s0 += block) {
    for (int64_t k = 0; k < w.k; k += kDepth) {
      ChunkArgs a;
      a.count = std::min(kDepth, w.k - k);
      a.first = k == 0;
      a.out_stride = out.stride;
      for (int64_t p = begin; p < end; ++p) {
        if (w.format == BlockFormat::kF32) {
          a.w = w.panel(p) + k * kStepBytes<BlockFormat::kF32>;
        } else {
          a.w = reinterpret_cast<const uint8_t*>(wide);
          const uint8_t* from = w.panel(p) + k * kStepBytes<BlockFormat::kF16>;
          auto widen =
              w.format == BlockFormat::kF16 ? Widen<BlockFormat::kF16> : Widen<BlockFormat::kBF16>;
          widen(from, a.count, wide);
        }
        int64_t column = p * 16;
        a.columns = w.n - column;
        a.bias = out.bias && k + kDepth >= w.k ? out.bias + column : nullptr;
        for (int64_t s = s0; s < std::min(count, s0 + block); ++s) {
          a.x = strips + (k / kDepth * count + s) * StripFloats();
          a.out = out.data + s * kStripRows * out.stride + column;
          StripTimesChunk(std::min(kStripRows, rows - s * kStripRows), a);
        }
      }
    }
  }
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sightline {
HWY_EXPORT(GemvAll);
HWY_EXPORT(GemmAll);

void FloatGemv(const FloatMatrix& w, const float* x, int64_t x_stride, int64_t rows, int64_t begin,
               int64_t end, const FloatOut& out) {
  HWY_DYNAMIC_DISPATCH(GemvAll)(w, x, x_stride, rows, begin, end, out);
}

void PackStrip(const float* x, int64_t x_stride, int64_t rows, int64_t k, int64_t strip,
               float* strips) {
  int64_t count = (rows + kStripRows - 1) / kStripRows;
  for (int64_t r = strip * kStripRows; r < std::min(rows, (strip + 1) * kStripRows); ++r) {
    for (int64_t i = 0; i < k; i += kDepth) {
      float* to =
          strips + (i / kDepth * count + strip) * StripFloats() + r % kStripRows * kStripStride;
      std::memcpy(to, x + r * x_stride + i,
                  static_cast<size_t>(std::min(kDepth, k - i)) * sizeof(float));
    }
  }
}

void FloatGemm(const FloatMatrix& w, const float* strips, int64_t rows, int64_t begin, int64_t end,
               const FloatOut& out) {
  HWY_DYNAMIC_DISPATCH(GemmAll)(w, strips, rows, begin, end, out);
}
}  // namespace sightline
#endif
