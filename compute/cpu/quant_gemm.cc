// Matrix-matrix product: a chunk of weights is unpacked once into bytes and floats that stay in the
// second-level cache, then meets every row of activations in register tiles. Each output sums its
// blocks in the order of the matrix-vector product, so a row's result does not depend on how many
// rows there are.
#include <algorithm>
#include <cstring>

#include "compute/cpu/quant_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compute/cpu/quant_gemm.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "compute/cpu/quant_amx-inl.h"
#include "compute/cpu/quant_chunk-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {

constexpr int64_t kMaxRows = 512;
// Rows of activations in a register tile: two accumulators (integers, floats) a row and vector.
constexpr int kTileRows = kByteDot ? 6 : 4;

// kTileRows rows of activations against one chunk.
template <PackedFormat F>
struct Tile {
  using T = Traits<F>;
  using D = typename T::D;
  using Code = typename D::Code;

  const Code* codes[kTileRows];
  const float *scale[kTileRows], *sum[kTileRows];
  const int32_t *bias[kTileRows], *bias16[kTileRows];
  float* out[kTileRows];  // kGroupRows floats each

  HWY_INLINE void Quad(const uint8_t* w, int64_t k,
                       typename D::Sum (&s)[kTileRows][kTileVectors]) const {
    typename D::Weight weight[kTileVectors];
    HWY_UNROLL(4)
    for (int v = 0; v < kTileVectors; ++v) {
      weight[v] = D::Prepare(hn::Load(DI(), reinterpret_cast<const int32_t*>(w + v * 4 * kLanes)));
    }
    HWY_UNROLL(8)
    for (int m = 0; m < kTileRows; ++m) {
      auto quad = D::Load(codes[m] + k);
      HWY_UNROLL(4)
      for (int v = 0; v < kTileVectors; ++v) D::Add(s[m][v], weight[v], quad);
    }
  }

  HWY_INLINE void Run(const Chunk& chunk, int64_t blocks, bool fresh) const {
    const DF df;
    constexpr int kQuads = 8 / T::kHalves;
    VF total[kTileRows][kTileVectors];
    for (int m = 0; m < kTileRows; ++m) {
      for (int v = 0; v < kTileVectors; ++v) {
        total[m][v] = fresh ? hn::Zero(df) : hn::LoadU(df, out[m] + v * kLanes);
      }
    }
    const uint8_t* w = chunk.codes;
    const float* scales = chunk.scale;
    for (int64_t b = 0; b < blocks; ++b) {
      for (int h = 0; h < T::kHalves; ++h) {
        typename D::Sum s[kTileRows][kTileVectors];
        for (int m = 0; m < kTileRows; ++m) {
          auto start = D::Start(Bias<F>(bias[m], bias16[m], b, h));
          for (int v = 0; v < kTileVectors; ++v) s[m][v] = start;
        }
        HWY_UNROLL(8)
        for (int q = 0; q < kQuads; ++q)
          Quad(w + q * kTilePanels * 64, b * 32 + (h * kQuads + q) * 4, s);
        w += kQuads * kTilePanels * 64;
        for (int v = 0; v < kTileVectors; ++v) {
          VF ws = hn::Load(df, scales + v * kLanes);
          for (int m = 0; m < kTileRows; ++m) {
            VF dot = hn::ConvertTo(df, D::Finish(s[m][v], Bias<F>(bias[m], bias16[m], b, h)));
            total[m][v] = hn::MulAdd(dot, hn::Mul(ws, hn::Set(df, scale[m][b])), total[m][v]);
          }
        }
        scales += kGroupRows;
      }
      if constexpr (T::kMins) {
        for (int v = 0; v < kTileVectors; ++v) {
          VF min = hn::Load(df, chunk.min + b * kGroupRows + v * kLanes);
          for (int m = 0; m < kTileRows; ++m) {
            total[m][v] = hn::NegMulAdd(min, hn::Set(df, sum[m][b]), total[m][v]);
          }
        }
      }
    }
    for (int m = 0; m < kTileRows; ++m) {
      for (int v = 0; v < kTileVectors; ++v) hn::StoreU(total[m][v], df, out[m] + v * kLanes);
    }
  }
};

// Rows [row, row + count) of x against the chunk that starts at `block`: added to sums
// [count, kGroupRows], or in their place at the first block.
template <PackedFormat F>
void MultiplyChunk(const Chunk& chunk, const QuantRows& x, int64_t row, int64_t count,
                   int64_t block, int64_t blocks, float* sums) {
  HWY_ALIGN float spare[kTileRows][kGroupRows];
  for (int64_t i = 0; i < count; i += kTileRows) {
    Tile<F> t;
    for (int m = 0; m < kTileRows; ++m) {
      // Rows past the end repeat the last one and are thrown away.
      int64_t r = row + std::min(i + m, count - 1), at = r * x.blocks + block;
      t.codes[m] = CodesOf<F>(x, r) + block * 32;
      t.scale[m] = x.scale + at;
      t.sum[m] = x.sum + at;
      t.bias[m] = x.bias + at;
      t.bias16[m] = x.bias16 + 2 * at;
      t.out[m] = i + m < count ? sums + (i + m) * kGroupRows : spare[m];
    }
    t.Run(chunk, blocks, block == 0);
  }
}

// What a thread works in: sums of one group [kMaxRows, kGroupRows] each lie side by side, since
// outputs, a matrix row apart, fall into few sets of the caches and a page each.
struct GemmSpace {
  Chunk chunk;
  HWY_ALIGN float sums[kGemmGroups][kMaxRows * kGroupRows];
};

template <PackedFormat F, bool kAmx>
void MultiplyGroups(const PackedMatrix& w, const QuantRows& x, int64_t row, int64_t rows,
                    int64_t g0, int64_t groups, GemmSpace* s) {
  for (int64_t block = 0; block < w.blocks; block += kChunkBlocks) {
    int64_t blocks = std::min(kChunkBlocks, w.blocks - block);
    for (int64_t g = 0; g < groups; ++g) {
      // A panel past the end leaves what the space held: its outputs are never copied.
      for (int64_t p = 0; p < kTilePanels && (g0 + g) * kTilePanels + p < w.panels; ++p) {
        UnpackPanel<F, kAmx>(w.panel((g0 + g) * kTilePanels + p), block, blocks, p, &s->chunk);
      }
      if constexpr (kAmx) {
#if HWY_TARGET == HWY_AVX3_DL
        AmxMultiplyChunk<F>(s->chunk, x, row, rows, block, blocks, s->sums[g]);
#endif
      } else {
        MultiplyChunk<F>(s->chunk, x, row, rows, block, blocks, s->sums[g]);
      }
    }
  }
}

// sums [rows, kGroupRows], of which `columns` are real.
void CopyOut(const float* sums, int64_t rows, int64_t columns, float* out, int64_t out_stride) {
  const DF df;
  for (int64_t m = 0; m < rows; ++m, sums += kGroupRows, out += out_stride) {
    if (columns < kGroupRows) {
      std::memcpy(out, sums, static_cast<size_t>(columns) * sizeof(float));
      continue;
    }
    for (int v = 0; v < kTileVectors; ++v)
      hn::StoreU(hn::Load(df, sums + v * kLanes), df, out + v * kLanes);
  }
}

template <PackedFormat F, bool kAmx>
void GemmFormat(const PackedMatrix& w, const QuantRows& x, int64_t begin, int64_t end, float* out,
                int64_t out_stride) {
  static thread_local AlignedBuffer space(static_cast<int64_t>(sizeof(GemmSpace)));
  auto* s = reinterpret_cast<GemmSpace*>(space.data());
  for (int64_t g0 = begin; g0 < end; g0 += kGemmGroups) {
    int64_t groups = std::min(kGemmGroups, end - g0);
    for (int64_t row = 0; row < x.rows; row += kMaxRows) {
      int64_t rows = std::min(kMaxRows, x.rows - row);
      MultiplyGroups<F, kAmx>(w, x, row, rows, g0, groups, s);
      for (int64_t g = 0; g < groups; ++g) {
        int64_t column = (g0 + g) * kGroupRows;
        CopyOut(s->sums[g], rows, std::min(kGroupRows, w.n - column),
                out + row * out_stride + column, out_stride);
      }
    }
  }
}

template <PackedFormat F>
void Gemm(const PackedMatrix& w, const QuantRows& x, int64_t begin, int64_t end, float* out,
          int64_t out_stride) {
#if HWY_TARGET == HWY_AVX3_DL
  if (x.tile_scale) {
    AmxTiles tiles(AmxPanel<F>::kQuads * 4);
    return GemmFormat<F, true>(w, x, begin, end, out, out_stride);
  }
#endif
  GemmFormat<F, false>(w, x, begin, end, out, out_stride);
}

int64_t GroupRows() { return kGroupRows; }

void GemmAll(const PackedMatrix& w, const QuantRows& x, int64_t begin, int64_t end, float* out,
             int64_t out_stride) {
  switch (w.format) {
    case PackedFormat::kQ8:
      return Gemm<PackedFormat::kQ8>(w, x, begin, end, out, out_stride);
    case PackedFormat::kQ4:
      return Gemm<PackedFormat::kQ4>(w, x, begin, end, out, out_stride);
    case PackedFormat::kQ4K:
      return Gemm<PackedFormat::kQ4K>(w, x, begin, end, out, out_stride);
    case PackedFormat::kQ6K:
      return Gemm<PackedFormat::kQ6K>(w, x, begin, end, out, out_stride);
  }
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sightline {
HWY_EXPORT(GroupRows);
HWY_EXPORT(GemmAll);
int64_t GemmGroupRows() { return HWY_DYNAMIC_DISPATCH(GroupRows)(); }
void GemmGroups(const PackedMatrix& w, const QuantRows& x, int64_t begin, int64_t end, float* out,
                int64_t out_stride) {
  HWY_DYNAMIC_DISPATCH(GemmAll)(w, x, begin, end, out, out_stride);
}
}  // namespace sightline
#endif
