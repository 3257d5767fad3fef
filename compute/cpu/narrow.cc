#include "compute/cpu/narrow.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compute/cpu/narrow.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

void NarrowAll(const float* from, int64_t n, uint16_t* to) {
  const hn::CappedTag<float, 16> df;
  const hn::Rebind<hwy::float16_t, decltype(df)> dh;
  const hn::Rebind<uint16_t, decltype(df)> du;
  const auto most = hn::Set(df, 65504.0f), least = hn::Neg(most);
  auto narrow = [&](auto x) {
    // Min and Max may drop what is not a number.
    auto held = hn::IfThenElse(hn::IsNaN(x), x, hn::Min(hn::Max(x, least), most));
    return hn::BitCast(du, hn::DemoteTo(dh, held));
  };
  const auto lanes = static_cast<int64_t>(hn::Lanes(df));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) hn::StoreU(narrow(hn::LoadU(df, from + i)), du, to + i);
  if (i == n) return;
  HWY_ALIGN float x[16] = {};
  HWY_ALIGN uint16_t y[16];
  for (int64_t j = 0; j < n - i; ++j) x[j] = from[i + j];
  hn::Store(narrow(hn::Load(df, x)), du, y);
  for (int64_t j = 0; j < n - i; ++j) to[i + j] = y[j];
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sightline {
HWY_EXPORT(NarrowAll);
void NarrowToHalf(const float* from, int64_t n, uint16_t* to) {
  HWY_DYNAMIC_DISPATCH(NarrowAll)(from, n, to);
}
}  // namespace sightline
#endif
