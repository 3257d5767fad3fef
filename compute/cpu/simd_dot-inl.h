// Integer dot products of one quad: 4 unsigned weight codes in each 32-bit lane (a lane is a row of
// weights) with the 4 activation codes of the same k, the same in every lane. Included once for
// each SIMD target.
//
// On AVX-512 VNNI this is one instruction. Elsewhere codes of 8 bits go through 16-bit products,
// since the byte product would saturate; codes of 6 and 4 bits fit the byte product and, of 4 bits,
// a whole block fits its 16-bit sums.
#if defined(SIGHTLINE_SIMD_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SIGHTLINE_SIMD_DOT_INL_H_
#undef SIGHTLINE_SIMD_DOT_INL_H_
#else
#define SIGHTLINE_SIMD_DOT_INL_H_
#endif

#include <hwy/highway.h>

#include <cstring>

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DI = hn::CappedTag<int32_t, 16>;
using DF = hn::CappedTag<float, 16>;
using D16 = hn::Repartition<int16_t, DI>;
using DU16 = hn::Repartition<uint16_t, DI>;
using DU8 = hn::Repartition<uint8_t, DI>;
using VI = hn::Vec<DI>;
using VF = hn::Vec<DF>;
using V16 = hn::Vec<D16>;

constexpr int kLanes = static_cast<int>(hn::MaxLanes(DI()));
constexpr int kPanelVectors = 16 / kLanes;  // vectors that hold one number of each row of a panel
// Vectors of weights a GEMM tile keeps: 32 rows where a vector holds 16, else one panel.
constexpr int kTileVectors = kPanelVectors == 1 ? 2 : kPanelVectors;
constexpr int kTilePanels = kTileVectors / kPanelVectors;

#if HWY_TARGET == HWY_AVX3_DL
constexpr bool kByteDot = true;
#else
constexpr bool kByteDot = false;
#endif

// 16-bit products summed in pairs.
HWY_INLINE VI MaddI16(V16 a, V16 b) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  return VI{_mm512_madd_epi16(a.raw, b.raw)};
#elif HWY_TARGET == HWY_AVX2
  return VI{_mm256_madd_epi16(a.raw, b.raw)};
#elif HWY_TARGET == HWY_SSE4
  return VI{_mm_madd_epi16(a.raw, b.raw)};
#else
  const DI d;
  auto low = [&](V16 v) { return hn::ShiftRight<16>(hn::ShiftLeft<16>(hn::BitCast(d, v))); };
  auto high = [&](V16 v) { return hn::ShiftRight<16>(hn::BitCast(d, v)); };
  return hn::Add(hn::Mul(low(a), low(b)), hn::Mul(high(a), high(b)));
#endif
}

// Products of unsigned and signed bytes summed in pairs; |sum| must fit 16 bits.
HWY_INLINE V16 MaddU8I8(VI codes, VI quad) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  return V16{_mm512_maddubs_epi16(codes.raw, quad.raw)};
#elif HWY_TARGET == HWY_AVX2
  return V16{_mm256_maddubs_epi16(codes.raw, quad.raw)};
#elif HWY_TARGET == HWY_SSE4
  return V16{_mm_maddubs_epi16(codes.raw, quad.raw)};
#else
  const D16 d;
  V16 w = hn::BitCast(d, codes), x = hn::BitCast(d, quad);
  V16 even = hn::Mul(hn::And(w, hn::Set(d, 0xFF)), hn::ShiftRight<8>(hn::ShiftLeft<8>(x)));
  V16 odd =
      hn::Mul(hn::BitCast(d, hn::ShiftRight<8>(hn::BitCast(DU16(), w))), hn::ShiftRight<8>(x));
  return hn::Add(even, odd);
#endif
}

#if HWY_TARGET == HWY_AVX3_DL
// Written out because this Highway version does not name the extension among the target's features.
HWY_INLINE VI ByteDot(VI sum, VI codes, VI quad) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(codes.raw), "v"(quad.raw));
  return sum;
}
#else
HWY_INLINE VI ByteDot(VI sum, VI, VI) { return sum; }
#endif

HWY_INLINE VI Broadcast32(const void* p) {
  int32_t quad;
  std::memcpy(&quad, p, 4);
  return hn::Set(DI(), quad);
}

// Dot<kBits>: the sum over the quads of a block. Weight is what a vector of codes becomes once,
// before it meets several rows of activations; Quad is a row's side.
template <int kBits, bool kBytes = kByteDot>
struct Dot {  // bytes: VNNI for any width, or 6-bit codes through byte products
  using Code = int8_t;
  struct Weight {
    VI codes;
  };
  struct Quad {
    VI quad;
  };
  static HWY_INLINE Weight Prepare(VI codes) { return {codes}; }
  static HWY_INLINE Quad Load(const int8_t* p) { return {Broadcast32(p)}; }
  using Sum = VI;
  static HWY_INLINE Sum Start(VI bias) { return bias; }
  static HWY_INLINE void Add(Sum& sum, const Weight& w, const Quad& q) {
    if constexpr (kBytes) {
      sum = ByteDot(sum, w.codes, q.quad);
    } else {
      sum = hn::Add(sum, MaddI16(MaddU8I8(w.codes, q.quad), hn::Set(D16(), 1)));
    }
  }
  static HWY_INLINE VI Finish(const Sum& sum, VI) { return sum; }
};

template <>
struct Dot<8, false> {
  using Code = int16_t;
  struct Weight {
    V16 even, odd;
  };
  struct Quad {
    V16 even, odd;
  };
  static HWY_INLINE Weight Prepare(VI codes) {
    const D16 d;
    return {hn::And(hn::BitCast(d, codes), hn::Set(d, 0xFF)),
            hn::BitCast(d, hn::ShiftRight<8>(hn::BitCast(DU16(), codes)))};
  }
  static HWY_INLINE Quad Load(const int16_t* p) {
    const D16 d;
    return {hn::BitCast(d, Broadcast32(p)), hn::BitCast(d, Broadcast32(p + 2))};
  }
  using Sum = VI;
  static HWY_INLINE Sum Start(VI bias) { return bias; }
  static HWY_INLINE void Add(Sum& sum, const Weight& w, const Quad& q) {
    sum = hn::Add(sum, MaddI16(w.even, q.even));
    sum = hn::Add(sum, MaddI16(w.odd, q.odd));
  }
  static HWY_INLINE VI Finish(const Sum& sum, VI) { return sum; }
};

template <>
struct Dot<4, false> {  // 8 quads of at most 2 * 15 * 127 each stay within 16 bits
  using Code = int8_t;
  struct Weight {
    VI codes;
  };
  struct Quad {
    VI quad;
  };
  static HWY_INLINE Weight Prepare(VI codes) { return {codes}; }
  static HWY_INLINE Quad Load(const int8_t* p) { return {Broadcast32(p)}; }
  using Sum = V16;
  static HWY_INLINE Sum Start(VI) { return hn::Zero(D16()); }
  static HWY_INLINE void Add(Sum& sum, const Weight& w, const Quad& q) {
    sum = hn::Add(sum, MaddU8I8(w.codes, q.quad));
  }
  static HWY_INLINE VI Finish(const Sum& sum, VI bias) {
    return hn::Add(MaddI16(sum, hn::Set(D16(), 1)), bias);
  }
};

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // SIGHTLINE_SIMD_DOT_INL_H_
