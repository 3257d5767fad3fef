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
#include <array>
#include <cstring>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::CappedTag<float, 16>;
using VF = hn::Vec<DF>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(DF()));
constexpr int kVectors = 16 / kLanes;       // of a panel
constexpr int64_t kBlockBytes = 256 << 10;  // of strips, within a second-level cache of 512 KiB
// A register tile: where there are 32 registers, 28 sums, so that no chain waits for its last step
// even with two multipliers, and a weight serves many rows; else 12 sums of 16.
constexpr int kTileRows = kVectors == 1 ? 14 : static_cast<int>(kStripRows);
constexpr int kTilePanels = kVectors == 1 ? kUnitPanels : 1;
constexpr int64_t kSumStride = kTilePanels * 16;
constexpr int64_t kAhead = 4096;  // bytes fetched ahead where weights come from memory
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
    HWY_UNROLL(16)
    for (int r = 0; r < R; ++r) {
      VF value = hn::Set(DF(), x[r * stride]);
      HWY_UNROLL(8)
      for (int v = 0; v < kAll; ++v) sum[r][v] = hn::MulAdd(value, weight[v], sum[r][v]);
    }
  }
  // Numbers [0, count) of k of panels at w, w + panel_bytes...; `count` is even but at the end of
  // k. Without kFetch, a line for each two numbers is fetched from `ahead` into the second cache.
  template <bool kFetch>
  HWY_INLINE void Add(const uint8_t* w, int64_t panel_bytes, const float* x, int64_t stride,
                      int64_t count, [[maybe_unused]] const uint8_t* ahead = nullptr) {
    constexpr int64_t kStep = 2 * kStepBytes<F>;
    [[maybe_unused]] const float* next = x + R * kStripStride;
    for (; count > 1; count -= 2, w += kStep, x += 2) {
      if constexpr (kFetch) {
        for (int64_t b = 0; b < P * kStep; b += 64) {
          hwy::Prefetch(w + b / kStep * panel_bytes + b % kStep + kAhead);
        }
      } else {  // the next rows, a line for each two numbers, or more where a tile has many
        for (int i = 0; i < (R + 7) / 8; ++i, next += 16) hwy::Prefetch(next);
        __builtin_prefetch(ahead, 0, 2);
        ahead += 64;
      }
      AddOne<false>(w, panel_bytes, x, stride);
      AddOne<true>(w, panel_bytes, x + 1, stride);
    }
    if (count > 0) AddOne<false>(w, panel_bytes, x, stride);
  }
  HWY_INLINE void Load(const float* from) {
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < kAll; ++v) sum[r][v] = hn::Load(DF(), from + r * kSumStride + v * kLanes);
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
  const float* x;  // rows of a strip, and of those that follow it
  const uint8_t* w;
  int64_t panel_bytes;
  int64_t count;         // of k
  const uint8_t* ahead;  // weights that come after these
  const float* from;     // the sums so far, kTilePanels * 16 a row; null at the first chunk
  float* to;
  int64_t to_stride, columns;
  const float* bias;  // at the last chunk
};

template <int R, int P>
HWY_NOINLINE void TileTimesChunk(const ChunkArgs& a) {
  Tile<BlockFormat::kF32, R, P> t;
  if (a.from) {
    t.Load(a.from);
  } else {
    t.Clear();
  }
  for (int64_t r = 0; r < R; ++r) {
    for (int p = 0; p < P; ++p) hwy::Prefetch(a.to + r * a.to_stride + p * 16);
  }
  t.template Add<false>(a.w, a.panel_bytes, a.x, kStripStride, a.count, a.ahead);
  t.Store(a.to, a.to_stride, a.columns, a.bias);
}

using TileKernel = void (*)(const ChunkArgs&);

template <int P, int... R>
constexpr std::array<TileKernel, sizeof...(R)> Kernels(std::integer_sequence<int, R...>) {
  return {TileTimesChunk<R + 1, P>...};
}
// [panels - 1][rows - 1]
constexpr std::array<TileKernel, kTileRows> kKernels[] = {
    Kernels<1>(std::make_integer_sequence<int, kTileRows>()),
    Kernels<kTilePanels>(std::make_integer_sequence<int, kTileRows>())};

// Numbers [k, k + count) of `panels` panels from p as float32 [panels][kDepth + 1][16].
void WidenPanels(const FloatMatrix& w, int64_t p, int64_t panels, int64_t k, int64_t count,
                 float* to) {
  auto widen = w.format == BlockFormat::kF16 ? Widen<BlockFormat::kF16> : Widen<BlockFormat::kBF16>;
  for (int64_t i = 0; i < panels; ++i) {
    widen(w.panel(p + i) + k * kStepBytes<BlockFormat::kF16>, count, to + i * (kDepth + 1) * 16);
  }
}

// What tile `tile` of a block of rows fetches of the chunk at k of panels from p, so that the first
// tile that meets it need not wait for memory: half a panel's part each, while there is one.
const uint8_t* PartAhead(const FloatMatrix& w, int64_t p, int64_t k, int64_t tile) {
  constexpr int64_t kHalf = kDepth / 2 * kStepBytes<BlockFormat::kF32>;
  if (k >= w.k) k = 0, p += kTilePanels;
  bool none = tile >= 2 * kTilePanels || p + tile / 2 >= w.panels;
  if (none || w.format != BlockFormat::kF32) return w.data.data();
  return w.panel(p + tile / 2) + k * kStepBytes<BlockFormat::kF32> + tile % 2 * kHalf;
}

// Rows [first, first + rows) of packed strips. Sums wait for the next chunk in `sums`, where they
// lie close together: outputs of a wide matrix would fall into few sets of the caches.
struct BlockOfStrips {
  const float* strips;
  int64_t strip_rows;  // of all strips
  int64_t first, rows;
  float* sums;  // [rows][kSumStride]
};

// Times panels [p, p + panels).
void BlockTimesPanels(const FloatMatrix& w, const BlockOfStrips& block, int64_t p, int64_t panels,
                      const FloatOut& out) {
  HWY_ALIGN float wide[kTilePanels * (kDepth + 1) * 16];
  int64_t column = p * 16;
  for (int64_t k = 0; k < w.k; k += kDepth) {
    bool first = k == 0, last = k + kDepth >= w.k;
    ChunkArgs a;
    a.count = std::min(kDepth, w.k - k);
    if (w.format == BlockFormat::kF32) {
      a.w = w.panel(p) + k * kStepBytes<BlockFormat::kF32>;
      a.panel_bytes = w.panel_bytes;
    } else {
      WidenPanels(w, p, panels, k, a.count, wide);
      a.w = reinterpret_cast<const uint8_t*>(wide);
      a.panel_bytes = (kDepth + 1) * kStepBytes<BlockFormat::kF32>;
    }
    a.columns = last ? w.n - column : kSumStride;
    a.bias = out.bias && last ? out.bias + column : nullptr;
    a.to_stride = last ? out.stride : kSumStride;
    const float* x = block.strips + (k / kDepth * block.strip_rows + block.first) * kStripStride;
    float* to = out.data + block.first * out.stride + column;
    for (int64_t r = 0; r < block.rows; r += kTileRows) {
      a.x = x + r * kStripStride;
      a.ahead = PartAhead(w, p, k + kDepth, r / kTileRows);
      a.from = first ? nullptr : block.sums + r * kSumStride;
      a.to = last ? to + r * out.stride : block.sums + r * kSumStride;
      kKernels[panels - 1][std::min<int64_t>(kTileRows, block.rows - r) - 1](a);
    }
  }
}

void GemmAll(const FloatMatrix& w, const float* strips, int64_t rows, int64_t begin, int64_t end,
             const FloatOut& out) {
  constexpr int64_t kMost =
      kBlockBytes / (kTileRows * kStripStride * static_cast<int64_t>(sizeof(float)));
  HWY_ALIGN float sums[kMost * kTileRows * kSumStride];
  int64_t strip_rows = (rows + kStripRows - 1) / kStripRows * kStripRows;
  int64_t tiles = (rows + kTileRows - 1) / kTileRows, blocks = (tiles + kMost - 1) / kMost;
  int64_t most = (tiles + blocks - 1) / blocks * kTileRows;
  for (int64_t r = 0; r < rows; r += most) {
    BlockOfStrips block{strips, strip_rows, r, std::min(most, rows - r), sums};
    for (int64_t p = begin; p < end; p += kTilePanels) {
      BlockTimesPanels(w, block, p, std::min<int64_t>(kTilePanels, end - p), out);
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
