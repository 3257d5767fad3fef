#include "compute/cpu/rotary.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compute/cpu/rotary.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void RotateAll(float* x, int64_t rows, int64_t stride, int64_t heads, int64_t d,
               const float* cosine, const float* sine) {
  const hn::CappedTag<float, 8> df;
  const auto lanes = static_cast<int64_t>(hn::MaxLanes(df));
  const int64_t half = d / 2;
  for (int64_t r = 0; r < rows; ++r, cosine += half, sine += half) {
    for (int64_t h = 0; h < heads; ++h) {
      float *low = x + r * stride + h * d, *high = low + half;
      int64_t i = 0;
      for (; i + lanes <= half; i += lanes) {
        auto a = hn::LoadU(df, low + i), b = hn::LoadU(df, high + i);
        auto c = hn::LoadU(df, cosine + i), s = hn::LoadU(df, sine + i);
        hn::StoreU(hn::Sub(hn::Mul(a, c), hn::Mul(b, s)), df, low + i);
        hn::StoreU(hn::Add(hn::Mul(b, c), hn::Mul(a, s)), df, high + i);
      }
      for (; i < half; ++i) {
        float a = low[i], b = high[i];
        low[i] = a * cosine[i] - b * sine[i];
        high[i] = b * cosine[i] + a * sine[i];
      }
    }
  }
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sightline {
HWY_EXPORT(RotateAll);
void RotateRows(float* x, int64_t rows, int64_t stride, int64_t heads, int64_t d,
                const float* cosine, const float* sine) {
  HWY_DYNAMIC_DISPATCH(RotateAll)(x, rows, stride, heads, d, cosine, sine);
}
}  // namespace sightline
#endif
