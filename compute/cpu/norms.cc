#include "compute/cpu/norms.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compute/cpu/norms.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::CappedTag<float, 16>;
using VF = hn::Vec<DF>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(DF()));
constexpr int64_t kChains = 4;  // sums that run side by side

// The first n < kLanes of p, then zeros.
HWY_INLINE VF LoadFirst(const float* p, int64_t n) {
  HWY_ALIGN float x[kLanes] = {};
  std::copy(p, p + n, x);
  return hn::Load(DF(), x);
}

// Sum of f(x) over [0, c); f of a zero vector's unused lanes is masked away.
template <class F>
HWY_INLINE float Sum(const float* x, int64_t c, const F& f) {
  const DF df;
  VF sum[kChains] = {hn::Zero(df), hn::Zero(df), hn::Zero(df), hn::Zero(df)};
  int64_t i = 0;
  for (; i + kChains * kLanes <= c; i += kChains * kLanes) {
    HWY_UNROLL(4)
    for (int64_t k = 0; k < kChains; ++k) {
      sum[k] = hn::Add(sum[k], f(hn::LoadU(df, x + i + k * kLanes)));
    }
  }
  for (; i + kLanes <= c; i += kLanes) sum[0] = hn::Add(sum[0], f(hn::LoadU(df, x + i)));
  if (i < c) {
    auto real = hn::FirstN(df, static_cast<size_t>(c - i));
    sum[1] = hn::Add(sum[1], hn::IfThenElseZero(real, f(LoadFirst(x + i, c - i))));
  }
  VF all = hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3]));
  return hn::GetLane(hn::SumOfLanes(df, all));
}

// y = f(x, weight, bias) by element.
template <class F>
HWY_INLINE void Map(const float* x, const float* weight, const float* bias, int64_t c, float* y,
                    const F& f) {
  const DF df;
  int64_t i = 0;
  for (; i + kLanes <= c; i += kLanes) {
    hn::StoreU(f(hn::LoadU(df, x + i), hn::LoadU(df, weight + i), hn::LoadU(df, bias + i)), df,
               y + i);
  }
  if (i == c) return;
  HWY_ALIGN float rest[kLanes];
  hn::Store(f(LoadFirst(x + i, c - i), LoadFirst(weight + i, c - i), LoadFirst(bias + i, c - i)),
            df, rest);
  std::copy(rest, rest + (c - i), y + i);
}

void LayerNormAll(const float* x, int64_t rows, int64_t c, const float* weight, const float* bias,
                  float eps, float* y) {
  const DF df;
  for (int64_t r = 0; r < rows; ++r, x += c, y += c) {
    const VF mean = hn::Set(df, Sum(x, c, [](VF v) { return v; }) / static_cast<float>(c));
    float var = Sum(x, c,
                    [&](VF v) {
                      VF from = hn::Sub(v, mean);
                      return hn::Mul(from, from);
                    }) /
                static_cast<float>(c);
    const VF inverse = hn::Set(df, 1 / std::sqrt(var + eps));
    Map(x, weight, bias, c, y,
        [&](VF v, VF w, VF b) { return hn::MulAdd(hn::Mul(hn::Sub(v, mean), inverse), w, b); });
  }
}

void RmsNormAll(const float* x, int64_t rows, int64_t c, const float* weight, float eps, float* y) {
  const DF df;
  for (int64_t r = 0; r < rows; ++r, x += c, y += c) {
    float mean = Sum(x, c, [](VF v) { return hn::Mul(v, v); }) / static_cast<float>(c);
    const VF inverse = hn::Set(df, 1 / std::sqrt(mean + eps));
    Map(x, weight, weight, c, y, [&](VF v, VF w, VF) { return hn::Mul(hn::Mul(v, inverse), w); });
  }
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sightline {
HWY_EXPORT(LayerNormAll);
HWY_EXPORT(RmsNormAll);
void LayerNormRows(const float* x, int64_t rows, int64_t c, const float* weight, const float* bias,
                   float eps, float* y) {
  HWY_DYNAMIC_DISPATCH(LayerNormAll)(x, rows, c, weight, bias, eps, y);
}
void RmsNormRows(const float* x, int64_t rows, int64_t c, const float* weight, float eps,
                 float* y) {
  HWY_DYNAMIC_DISPATCH(RmsNormAll)(x, rows, c, weight, eps, y);
}
}  // namespace sightline
#endif
