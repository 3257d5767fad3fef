// A chunk of weights against rows of activations on Intel's matrix tiles: a tile product gives the
// exact integers of 16 rows by one panel for a block (or half block) of k, which vectors then scale
// and sum as quant_gemm.cc does elsewhere, to the same bits. Included once for each SIMD target;
// empty but for the one that has tiles.
#if defined(SIGHTLINE_QUANT_AMX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SIGHTLINE_QUANT_AMX_INL_H_
#undef SIGHTLINE_QUANT_AMX_INL_H_
#else
#define SIGHTLINE_QUANT_AMX_INL_H_
#endif

#include <algorithm>

#include "compute/cpu/amx.h"
#include "compute/cpu/quant_chunk-inl.h"

#if HWY_TARGET == HWY_AVX3_DL
HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {

constexpr int64_t kAmxRows = 16;

// 16 rows against one panel of a chunk.
template <PackedFormat F>
struct AmxPanel {
  using T = Traits<F>;
  static constexpr int kQuads = 8 / T::kHalves;

  const int8_t* codes;  // of the first row, at the chunk's first block
  int64_t stride;
  const float *row_scale, *row_sum;  // [block][16 rows]
  const uint8_t* weights;            // the panel's codes in the chunk
  const float *scale, *min;

  template <int kSet>
  HWY_INLINE void Multiply(int64_t step, int32_t* sums) const {
    AmxTiles::Multiply<kSet>(codes + step * kQuads * 4, stride,
                             weights + step * kQuads * kTilePanels * 64, kTilePanels * 64, sums);
  }

  HWY_INLINE void Accumulate(int64_t step, const int32_t* sums, VF (&total)[kAmxRows]) const {
    const DF df;
    const DI di;
    int64_t block = step / T::kHalves;
    const float* by = row_scale + block * kAmxRows;
    VF ws = hn::Load(df, scale + step * kGroupRows);
    HWY_UNROLL(16)
    for (int64_t m = 0; m < kAmxRows; ++m) {
      VF dot = hn::ConvertTo(df, hn::Load(di, sums + m * 16));
      total[m] = hn::MulAdd(dot, hn::Mul(ws, hn::Set(df, by[m])), total[m]);
    }
    if constexpr (T::kMins) {
      const float* sum = row_sum + block * kAmxRows;
      VF low = hn::Load(df, min + block * kGroupRows);
      HWY_UNROLL(16)
      for (int64_t m = 0; m < kAmxRows; ++m)
        total[m] = hn::NegMulAdd(low, hn::Set(df, sum[m]), total[m]);
    }
  }

  // Adds to out [16, kGroupRows], or sets it where `fresh`. The tiles work a step ahead of the
  // vectors.
  HWY_INLINE void Run(int64_t blocks, bool fresh, float* out) const {
    const DF df;
    HWY_ALIGN int32_t sums[2][kAmxRows * 16];
    VF total[kAmxRows];
    HWY_UNROLL(16)
    for (int64_t m = 0; m < kAmxRows; ++m) {
      total[m] = fresh ? hn::Zero(df) : hn::Load(df, out + m * kGroupRows);
    }
    const int64_t steps = blocks * T::kHalves;  // even, as blocks are
    Multiply<0>(0, sums[0]);
    for (int64_t s = 0; s < steps; s += 2) {
      Multiply<1>(s + 1, sums[1]);
      Accumulate(s, sums[0], total);
      if (s + 2 < steps) Multiply<0>(s + 2, sums[0]);
      Accumulate(s + 1, sums[1], total);
    }
    HWY_UNROLL(16)
    for (int64_t m = 0; m < kAmxRows; ++m) hn::Store(total[m], df, out + m * kGroupRows);
  }
};

// As MultiplyChunk (quant_gemm.cc), with the chunk's codes signed; `row` is a multiple of 16. Sums
// have room for whole tiles.
template <PackedFormat F>
void AmxMultiplyChunk(const Chunk& chunk, const QuantRows& x, int64_t row, int64_t count,
                      int64_t block, int64_t blocks, float* sums) {
  for (int64_t p = 0; p < kTilePanels; ++p) {
    for (int64_t i = 0; i < count; i += kAmxRows) {
      int64_t at = (row + i) * x.blocks + block * kAmxRows;
      AmxPanel<F> panel = {.codes = x.codes + (row + i) * x.stride + block * 32,
                           .stride = x.stride,
                           .row_scale = x.tile_scale + at,
                           .row_sum = x.tile_sum + at,
                           .weights = chunk.codes + p * 64,
                           .scale = chunk.scale + p * kPanelRows,
                           .min = chunk.min + p * kPanelRows};
      panel.Run(blocks, block == 0, sums + i * kGroupRows + p * kPanelRows);
    }
  }
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
#endif  // SIGHTLINE_QUANT_AMX_INL_H_
