// A piece of packed weights, unpacked once into bytes and floats that stay in the second-level
// cache while every row of activations meets them. Included once for each SIMD target.
#if defined(SIGHTLINE_QUANT_CHUNK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SIGHTLINE_QUANT_CHUNK_INL_H_
#undef SIGHTLINE_QUANT_CHUNK_INL_H_
#else
#define SIGHTLINE_QUANT_CHUNK_INL_H_
#endif

#include "compute/cpu/packed_read-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {

constexpr int64_t kGroupRows = kTilePanels * kPanelRows;
constexpr int64_t kChunkBlocks = 16;  // of k that stay in cache at a time; whole super-blocks

// A chunk of one group of weight rows.
struct Chunk {
  HWY_ALIGN uint8_t codes[kChunkBlocks * 8 * kTilePanels * 64];  // [quad][panel][row][4]
  HWY_ALIGN float scale[kChunkBlocks * 2 * kGroupRows];          // [block][half][row]
  HWY_ALIGN float min[kChunkBlocks * kGroupRows];
};

// What a signed code is stored plus (packed_matrix.h).
template <PackedFormat F>
constexpr int kZero = F == PackedFormat::kQ8    ? 128
                      : F == PackedFormat::kQ4  ? 8
                      : F == PackedFormat::kQ6K ? 32
                                                : 0;

template <PackedFormat F, bool kSigned, int kQ>
HWY_INLINE void UnpackQuads(const uint8_t* pair, int odd, uint8_t* to) {
  const DI di;
  const DU8 d8;
  for (int v = 0; v < kPanelVectors; ++v) {
    VI a, b;
    LoadQuads<F, kQ>(pair, odd, v, a, b);
    if constexpr (kSigned && kZero<F> != 0) {
      const auto zero = hn::Set(d8, kZero<F>);
      a = hn::BitCast(di, hn::Sub(hn::BitCast(d8, a), zero));
      b = hn::BitCast(di, hn::Sub(hn::BitCast(d8, b), zero));
    }
    hn::Store(a, di, reinterpret_cast<int32_t*>(to + 2 * kQ * kTilePanels * 64 + v * 4 * kLanes));
    hn::Store(b, di,
              reinterpret_cast<int32_t*>(to + (2 * kQ + 1) * kTilePanels * 64 + v * 4 * kLanes));
  }
}

// Blocks [first, first + count) of panel `p`, which is panel `at` of the chunk; codes unsigned as
// packed, or signed.
template <PackedFormat F, bool kSigned>
void UnpackPanel(const uint8_t* p, int64_t first, int64_t count, int64_t at, Chunk* chunk) {
  using T = Traits<F>;
  const DF df;
  p += first / 2 * T::kPairBytes + (T::kSuper ? first / kSuperBlocks * 64 : 0);
  SuperScales<F> super;
  for (int64_t b = 0; b < count; b += 2) {
    if constexpr (T::kSuper) {
      if (b % kSuperBlocks == 0) super.Load(p), p += 64;
    }
    for (int odd = 0; odd < 2; ++odd) {
      uint8_t* to = chunk->codes + ((b + odd) * 8 * kTilePanels + at) * 64;
      UnpackQuads<F, kSigned, 0>(p, odd, to);
      UnpackQuads<F, kSigned, 1>(p, odd, to);
      UnpackQuads<F, kSigned, 2>(p, odd, to);
      UnpackQuads<F, kSigned, 3>(p, odd, to);
      for (int v = 0; v < kPanelVectors; ++v) {
        int64_t row = at * kPanelRows + v * kLanes;
        for (int h = 0; h < T::kHalves; ++h) {
          hn::Store(super.Scale(p, odd, h, v), df,
                    chunk->scale + ((b + odd) * T::kHalves + h) * kGroupRows + row);
        }
        if constexpr (T::kMins)
          hn::Store(super.Min(p, odd, v), df, chunk->min + (b + odd) * kGroupRows + row);
      }
    }
    p += T::kPairBytes;
  }
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // SIGHTLINE_QUANT_CHUNK_INL_H_
