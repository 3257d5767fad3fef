// Reads packed weights (packed_matrix.h) into vectors. Both the matrix-vector and the matrix-matrix
// product read through here, so that they see the same floats. Included once for each SIMD target.
#if defined(SIGHTLINE_PACKED_READ_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SIGHTLINE_PACKED_READ_INL_H_
#undef SIGHTLINE_PACKED_READ_INL_H_
#else
#define SIGHTLINE_PACKED_READ_INL_H_
#endif

#include "compute/cpu/packed_matrix.h"
#include "compute/cpu/quant_rows.h"
#include "compute/cpu/simd_dot-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {

template <PackedFormat F>
struct Traits {
  static constexpr bool kSuper = F == PackedFormat::kQ4K || F == PackedFormat::kQ6K;
  static constexpr bool kMins = F == PackedFormat::kQ4K;
  static constexpr int kBits = F == PackedFormat::kQ8 ? 8 : F == PackedFormat::kQ6K ? 6 : 4;
  static constexpr int kHalves = F == PackedFormat::kQ6K ? 2 : 1;  // scales in a block
  static constexpr int64_t kBlockBytes = F == PackedFormat::kQ8 ? 512 : 256;
  static constexpr int64_t kPairBytes = 64 + 2 * kBlockBytes + (F == PackedFormat::kQ6K ? 256 : 0);
  using D = Dot<kBits>;
};

HWY_INLINE VF LoadHalves(const uint8_t* p) {
  const hn::Rebind<hwy::float16_t, DF> d16;
  return hn::PromoteTo(DF(), hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(p)));
}

template <class T>
HWY_INLINE VF LoadSmall(const uint8_t* p) {
  const hn::Rebind<T, DI> d;
  return hn::ConvertTo(DF(), hn::PromoteTo(DI(), hn::LoadU(d, reinterpret_cast<const T*>(p))));
}

// d and dmin of a super-block.
template <PackedFormat F>
struct SuperScales {
  VF d[kPanelVectors], dmin[kPanelVectors];
  HWY_INLINE void Load(const uint8_t* super) {
    for (int v = 0; v < kPanelVectors; ++v) {
      d[v] = LoadHalves(super + 2 * v * kLanes);
      if constexpr (Traits<F>::kMins) dmin[v] = LoadHalves(super + 32 + 2 * v * kLanes);
    }
  }
  // Of rows v * kLanes on, in half `half` of block `odd` of a pair.
  HWY_INLINE VF Scale(const uint8_t* pair, int odd, int half, int v) const {
    if constexpr (F == PackedFormat::kQ4K) {
      return hn::Mul(d[v], LoadSmall<uint8_t>(pair + odd * 16 + v * kLanes));
    } else if constexpr (F == PackedFormat::kQ6K) {
      return hn::Mul(d[v], LoadSmall<int8_t>(pair + (odd * 2 + half) * 16 + v * kLanes));
    } else {
      return LoadHalves(pair + odd * 32 + 2 * v * kLanes);
    }
  }
  HWY_INLINE VF Min(const uint8_t* pair, int odd, int v) const {
    return hn::Mul(dmin[v], LoadSmall<uint8_t>(pair + (2 + odd) * 16 + v * kLanes));
  }
};

// Codes of quads 2 kQ and 2 kQ + 1 of block `odd` of a pair, rows v * kLanes on.
template <PackedFormat F, int kQ>
HWY_INLINE void LoadQuads(const uint8_t* pair, int odd, int v, VI& first, VI& second) {
  const DI di;
  const DU8 d8;
  const DU16 d16;
  const uint8_t* codes = pair + 64 + odd * Traits<F>::kBlockBytes + v * 4 * kLanes;
  if constexpr (F == PackedFormat::kQ8) {
    first = hn::BitCast(di, hn::LoadU(d8, codes + kQ * 128));
    second = hn::BitCast(di, hn::LoadU(d8, codes + kQ * 128 + 64));
    return;
  }
  const auto low = hn::Set(d8, 15);
  auto nibbles = hn::LoadU(d8, codes + kQ * 64);
  auto a = hn::And(nibbles, low);
  auto b = hn::And(hn::BitCast(d8, hn::ShiftRight<4>(hn::BitCast(d16, nibbles))), low);
  if constexpr (F == PackedFormat::kQ6K) {
    constexpr int kShift = kQ % 2 * 4;  // of the first quad's two bits
    const auto two = hn::Set(d8, 0x30);
    auto high =
        hn::BitCast(d16, hn::LoadU(d8, pair + 64 + 512 + odd * 128 + kQ / 2 * 64 + v * 4 * kLanes));
    auto ha = kShift == 0 ? hn::ShiftLeft<4>(high) : high;
    auto hb = kShift == 0 ? hn::ShiftLeft<2>(high) : hn::ShiftRight<2>(high);
    a = hn::Or(a, hn::And(hn::BitCast(d8, ha), two));
    b = hn::Or(b, hn::And(hn::BitCast(d8, hb), two));
  }
  first = hn::BitCast(di, a);
  second = hn::BitCast(di, b);
}

// What undoes the codes' offset for one half of one block: -zero * sum of the activations' codes.
template <PackedFormat F>
HWY_INLINE VI Bias(const int32_t* bias, const int32_t* bias16, int64_t block, int half) {
  const DI di;
  if constexpr (F == PackedFormat::kQ8) return hn::Set(di, bias[block]);
  if constexpr (F == PackedFormat::kQ4) return hn::Set(di, bias[block] >> 4);
  if constexpr (F == PackedFormat::kQ6K) return hn::Set(di, bias16[2 * block + half] >> 2);
  return hn::Zero(di);
}

template <PackedFormat F>
HWY_INLINE const typename Traits<F>::D::Code* CodesOf(const QuantRows& x, int64_t row) {
  if constexpr (sizeof(typename Traits<F>::D::Code) == 2) {
    return x.wide + row * x.stride;
  } else {
    return x.codes + row * x.stride;
  }
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // SIGHTLINE_PACKED_READ_INL_H_
