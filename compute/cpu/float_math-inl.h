// Elementary functions over vectors of float32. Included once for each SIMD target.
#if defined(SIGHTLINE_FLOAT_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SIGHTLINE_FLOAT_MATH_INL_H_
#undef SIGHTLINE_FLOAT_MATH_INL_H_
#else
#define SIGHTLINE_FLOAT_MATH_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr float kLog2E = 1.44269504f;

// 2^x for x <= 127, within 2e-7 of it; 0 from -127 down. Cody and Waite's split, a minimax
// polynomial on [-1/2, 1/2].
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Exp2(D df, V x) {
  const hn::RebindToSigned<D> di;
  V least = hn::Max(x, hn::Set(df, -127.0f)), whole = hn::Round(least);
  V r = hn::Sub(least, whole);
  V p = hn::Set(df, 1.5403530e-4f);
  for (float c :
       {1.3333558e-3f, 9.6181291e-3f, 5.5504109e-2f, 2.4022651e-1f, 6.9314718e-1f, 1.0f}) {
    p = hn::MulAdd(p, r, hn::Set(df, c));
  }
  auto power = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, whole), hn::Set(di, 127)));
  return hn::Mul(p, hn::BitCast(df, power));
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // SIGHTLINE_FLOAT_MATH_INL_H_
