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

// 1 / (1 + e^-x).
template <class D, class V = hn::Vec<D>>
HWY_INLINE V Sigmoid(D df, V x) {
  const V one = hn::Set(df, 1.0f);
  V power = hn::Min(hn::Mul(x, hn::Set(df, -kLog2E)), hn::Set(df, 126.0f));
  return hn::Div(one, hn::Add(one, Exp2(df, power)));
}

// The normal distribution function. Its tail P(|x| further out) is 2^p(|x|), p a polynomial on
// [0, 6] from Chebyshev's points, within 2e-7 / |x| of it; 0 further out.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V NormalBelow(D df, V x) {
  const V end = hn::Set(df, 6.0f), one = hn::Set(df, 1.0f);
  V u = hn::Abs(x), s = hn::MulSub(hn::Min(u, end), hn::Set(df, 1.0f / 3), one);
  V p = hn::Set(df, -6.63458311e-4f);
  for (float c : {8.89462535e-4f, 1.60602387e-3f, -6.13383157e-3f, 1.54203707e-2f, -3.92604806e-2f,
                  9.22040716e-2f, -0.204385653f, -6.03404999f, -14.209527f, -9.53293419f}) {
    p = hn::MulAdd(p, s, hn::Set(df, c));
  }
  V tail = hn::IfThenElseZero(hn::Lt(u, end), Exp2(df, p));
  return hn::IfThenElse(hn::Gt(x, hn::Zero(df)), hn::Sub(one, tail), tail);
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif  // SIGHTLINE_FLOAT_MATH_INL_H_
