// Vectors of float32 from numbers stored as F32, F16 or BF16. Included once for each SIMD target.
#if defined(SIGHTLINE_HALVES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SIGHTLINE_HALVES_INL_H_
#undef SIGHTLINE_HALVES_INL_H_
#else
#define SIGHTLINE_HALVES_INL_H_
#endif

#include <hwy/highway.h>

#include "compute/weights/block_format.h"

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using HalfDF = hn::CappedTag<float, 16>;
using HalfVF = hn::Vec<HalfDF>;

// One vector's worth of numbers at p, of any alignment.
template <BlockFormat F>
HWY_INLINE HalfVF LoadWide(const void* p) {
  const HalfDF d;
  if constexpr (F == BlockFormat::kF32) {
    return hn::LoadU(d, static_cast<const float*>(p));
  } else if constexpr (F == BlockFormat::kF16) {
    const hn::Rebind<hwy::float16_t, HalfDF> dh;
    return hn::PromoteTo(d, hn::LoadU(dh, static_cast<const hwy::float16_t*>(p)));
  } else {
    const hn::Rebind<hwy::bfloat16_t, HalfDF> dh;
    return hn::PromoteTo(d, hn::LoadU(dh, static_cast<const hwy::bfloat16_t*>(p)));
  }
}

template <BlockFormat F>
constexpr int64_t kNumberBytes = F == BlockFormat::kF32 ? 4 : 2;

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // SIGHTLINE_HALVES_INL_H_
