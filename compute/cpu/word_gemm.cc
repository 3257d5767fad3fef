// Products of rows of words with panels of words. A chunk of panels stays in the first-level cache
// while it meets the tiles of a block of rows; the integers of a tile's block of k are summed in
// registers, the floats where the block's sums lie close together.
#include "compute/cpu/word_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compute/cpu/word_gemm.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/cache_control.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>

#include "compute/cpu/simd_dot-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {

constexpr int64_t kChunkBlocks = 4;  // of k that stay in cache at a time: 16 KiB of two panels
constexpr int64_t kPairs = kWordBlock / 2;
// A register tile: 28 sums of 32 registers, 12 of 16 (8 of short ones, which need four a panel).
constexpr int kWordRows = kPanelVectors == 1 ? 14 : kPanelVectors == 2 ? 6 : 2;
constexpr int kWordPanels = kPanelVectors == 1 ? kWordUnitPanels : 1;
constexpr int64_t kBlockTiles = 12;  // tiles of a block of rows

// sum + the products of two words each, summed. Written out, since the compiler would take products
// of many rows before it adds the first, for which there are no registers.
HWY_INLINE VI PairDot(VI sum, VI weights, VI pair) {
#if HWY_TARGET == HWY_AVX3_DL
  asm("vpdpwssd %2, %1, %0" : "+v"(sum.raw) : "v"(weights.raw), "v"(pair.raw));
  return sum;
#elif HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  auto product = sum.raw;
  asm("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"
      : "+v"(sum.raw), "=&v"(product)
      : "v"(weights.raw), "v"(pair.raw));
  return sum;
#else
  const D16 d;
  return hn::Add(sum, MaddI16(hn::BitCast(d, weights), hn::BitCast(d, pair)));
#endif
}

struct WordArgs {
  const int16_t* x;    // codes of the first row, at the chunk
  const float* scale;  // of the same
  int64_t x_stride, blocks;
  const uint8_t* w;
  int64_t panel_bytes;
  int64_t count;         // blocks of the chunk
  const uint8_t* ahead;  // weights that come after these
};

// The integer sums of block b, and those times their scales into `total`.
template <int R, int P>
HWY_INLINE void AddBlock(const WordArgs& a, int64_t b, float (*total)[P * 16]) {
  constexpr int kAll = P * kPanelVectors;
  const DI di;
  const DF df;
  const uint8_t* w = a.w + b * WordMatrix::kBlockBytes;
  const int16_t* x = a.x + b * kWordBlock;
  VI sum[R][kAll];
  for (auto& row : sum) {
    for (auto& s : row) s = hn::Zero(di);
  }
  const uint8_t* ahead = a.ahead + b * WordMatrix::kBlockBytes;
  for (int64_t i = 0; i < kPairs; ++i, ahead += 64) {
    __builtin_prefetch(ahead, 0, 2);
    VI weight[kAll];
    HWY_UNROLL(4)
    for (int v = 0; v < kAll; ++v) {
      const uint8_t* at = w + v / kPanelVectors * a.panel_bytes + 64 * (i + 1);
      weight[v] = hn::Load(di, reinterpret_cast<const int32_t*>(at) + v % kPanelVectors * kLanes);
    }
    HWY_UNROLL(16)
    for (int r = 0; r < R; ++r) {
      VI pair = Broadcast32(x + r * a.x_stride + 2 * i);
      HWY_UNROLL(4)
      for (int v = 0; v < kAll; ++v) sum[r][v] = PairDot(sum[r][v], weight[v], pair);
    }
  }
  HWY_UNROLL(4)
  for (int v = 0; v < kAll; ++v) {
    const auto* scales = reinterpret_cast<const float*>(w + v / kPanelVectors * a.panel_bytes);
    VF ws = hn::Load(df, scales + v % kPanelVectors * kLanes);
    HWY_UNROLL(16)
    for (int r = 0; r < R; ++r) {
      float* at = total[r] + v * kLanes;
      VF both = hn::Mul(ws, hn::Set(df, a.scale[r * a.blocks + b]));
      hn::Store(hn::MulAdd(hn::ConvertTo(df, sum[r][v]), both, hn::Load(df, at)), df, at);
    }
  }
}

template <int R, int P>
HWY_NOINLINE void TileTimesWords(const WordArgs& a, float* sums) {
  for (int64_t b = 0; b < a.count; ++b) {
    for (int64_t r = R; r < 2 * R; ++r) {  // the rows of the next tile
      hwy::Prefetch(a.x + r * a.x_stride + b * kWordBlock);
      hwy::Prefetch(a.x + r * a.x_stride + b * kWordBlock + kWordBlock / 2);
    }
    AddBlock<R, P>(a, b, reinterpret_cast<float(*)[P * 16]>(sums));
  }
}

using WordKernel = void (*)(const WordArgs&, float*);

template <int P, int... R>
constexpr std::array<WordKernel, sizeof...(R)> WordKernels(std::integer_sequence<int, R...>) {
  return {TileTimesWords<R + 1, P>...};
}
// [panels - 1][rows - 1]
constexpr std::array<WordKernel, kWordRows> kWordKernels[] = {
    WordKernels<1>(std::make_integer_sequence<int, kWordRows>()),
    WordKernels<kWordPanels>(std::make_integer_sequence<int, kWordRows>())};

// Sums [rows][width] to outputs [column, column + columns) of `out`, with the bias added.
void StoreSums(const float* sums, int64_t rows, int64_t width, int64_t column, int64_t columns,
               const WordOut& out) {
  const DF df;
  const float* bias = out.bias ? out.bias + column : nullptr;
  float* to = out.data + column;
  for (int64_t r = 0; r < rows; ++r, sums += width, to += out.stride) {
    int64_t i = 0;
    for (; i + kLanes <= columns; i += kLanes) {
      VF s = hn::Load(df, sums + i);
      hn::StoreU(bias ? hn::Add(s, hn::LoadU(df, bias + i)) : s, df, to + i);
    }
    for (; i < columns; ++i) to[i] = bias ? sums[i] + bias[i] : sums[i];
  }
}

// What tile `tile` of a block of rows fetches of the chunk at block b of panels from p, so that the
// first tile that meets it need not wait for memory: a panel's part each, while there is one.
const uint8_t* PanelAhead(const WordMatrix& w, int64_t p, int64_t b, int64_t tile) {
  if (b >= w.blocks) b = 0, p += kWordPanels;
  if (tile >= kWordPanels || p + tile >= w.panels) return w.data.data();
  return w.panel(p + tile) + b * WordMatrix::kBlockBytes;
}

void WordGemmAll(const WordMatrix& w, const WordRows& x, int64_t begin, int64_t end,
                 const WordOut& out) {
  HWY_ALIGN float sums[kBlockTiles * kWordRows * kWordPanels * 16];
  constexpr int64_t kBlockRows = kBlockTiles * kWordRows;
  WordArgs a;
  a.x_stride = x.stride;
  a.blocks = x.blocks;
  a.panel_bytes = w.panel_bytes;
  for (int64_t r0 = 0; r0 < x.rows; r0 += kBlockRows) {
    int64_t rows = std::min(kBlockRows, x.rows - r0);
    for (int64_t p = begin; p < end; p += kWordPanels) {
      int64_t panels = std::min<int64_t>(kWordPanels, end - p), width = panels * 16;
      std::memset(sums, 0, static_cast<size_t>(rows * width) * sizeof(float));
      for (int64_t b = 0; b < w.blocks; b += kChunkBlocks) {
        a.w = w.panel(p) + b * WordMatrix::kBlockBytes;
        a.count = std::min(kChunkBlocks, w.blocks - b);
        for (int64_t r = 0; r < rows; r += kWordRows) {
          a.ahead = PanelAhead(w, p, b + kChunkBlocks, r / kWordRows);
          a.x = x.codes + (r0 + r) * x.stride + b * kWordBlock;
          a.scale = x.scale + (r0 + r) * x.blocks + b;
          kWordKernels[panels - 1][std::min<int64_t>(kWordRows, rows - r) - 1](a, sums + r * width);
        }
      }
      int64_t column = p * WordMatrix::kRows;
      StoreSums(sums, rows, width, column, std::min(width, w.n - column),
                {out.data + r0 * out.stride, out.stride, out.bias});
    }
  }
}

float QuantizeBlock(const float* x, int16_t* codes) {
  const DF df;
  const DI di;
  const hn::Rebind<int16_t, DI> d16;
  VF most = hn::Zero(df);
  for (int64_t i = 0; i < kWordBlock; i += kLanes) {
    most = hn::Max(most, hn::Abs(hn::LoadU(df, x + i)));
  }
  float top = hn::GetLane(hn::MaxOfLanes(df, most));
  VF inverse = hn::Set(df, top > 0 ? kWordTop / top : 0);
  for (int64_t i = 0; i < kWordBlock; i += kLanes) {
    VI q = hn::NearestInt(hn::Mul(hn::LoadU(df, x + i), inverse));
    q = hn::Max(hn::Min(q, hn::Set(di, kWordTop)), hn::Set(di, -kWordTop));
    hn::StoreU(hn::DemoteTo(d16, q), d16, codes + i);
  }
  return top / kWordTop;
}

void QuantizeWordRowAll(const float* x, int64_t k, int64_t row, const WordRows& out) {
  int16_t* codes = out.codes + row * out.stride;
  float* scale = out.scale + row * out.blocks;
  for (int64_t b = 0; b < out.blocks; ++b, x += kWordBlock, codes += kWordBlock) {
    int64_t n = k - b * kWordBlock;
    if (n >= kWordBlock) {
      scale[b] = QuantizeBlock(x, codes);
    } else {
      HWY_ALIGN float padded[kWordBlock] = {};
      std::memcpy(padded, x, static_cast<size_t>(n) * sizeof(float));
      scale[b] = QuantizeBlock(padded, codes);
    }
  }
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sightline {
HWY_EXPORT(WordGemmAll);
HWY_EXPORT(QuantizeWordRowAll);

void QuantizeWordRow(const float* x, int64_t k, int64_t row, const WordRows& out) {
  HWY_DYNAMIC_DISPATCH(QuantizeWordRowAll)(x, k, row, out);
}
void WordGemm(const WordMatrix& w, const WordRows& x, int64_t begin, int64_t end,
              const WordOut& out) {
  HWY_DYNAMIC_DISPATCH(WordGemmAll)(w, x, begin, end, out);
}
}  // namespace sightline
#endif
