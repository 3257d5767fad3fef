#include "compute/cpu/activations.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compute/cpu/activations.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "compute/cpu/float_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {

using DF = hn::CappedTag<float, 16>;
using VF = hn::Vec<DF>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(DF()));

template <ActivationKind K>
HWY_INLINE VF Function(VF x) {
  const DF df;
  if constexpr (K == ActivationKind::kGelu) {
    return hn::Mul(x, NormalBelow(df, x));
  } else if constexpr (K == ActivationKind::kGeluTanh) {
    // (1 + tanh u) / 2 = sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)
    VF cube = hn::Mul(hn::Mul(x, x), x);
    VF u = hn::MulAdd(cube, hn::Set(df, 2 * 0.7978845608f * 0.044715f),
                      hn::Mul(x, hn::Set(df, 2 * 0.7978845608f)));
    return hn::Mul(x, Sigmoid(df, u));
  } else if constexpr (K == ActivationKind::kQuickGelu) {
    return hn::Mul(x, Sigmoid(df, hn::Mul(x, hn::Set(df, 1.702f))));
  } else {
    return hn::Mul(x, Sigmoid(df, x));
  }
}

template <ActivationKind K, bool kGated>
HWY_INLINE VF One(const float* x, const float* up) {
  const DF df;
  VF f = Function<K>(hn::LoadU(df, x));
  if constexpr (kGated) f = hn::Mul(f, hn::LoadU(df, up));
  return f;
}

template <ActivationKind K, bool kGated>
void Span(const float* x, const float* up, int64_t n, float* y) {
  const DF df;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) hn::StoreU(One<K, kGated>(x + i, up + i), df, y + i);
  if (i == n) return;
  HWY_ALIGN float rest[2 * kLanes] = {};
  std::copy(x + i, x + n, rest);
  if constexpr (kGated) std::copy(up + i, up + n, rest + kLanes);
  hn::Store(One<K, kGated>(rest, rest + kLanes), df, rest);
  std::copy(rest, rest + (n - i), y + i);
}

template <bool kGated>
void SpanOf(ActivationKind kind, const float* x, const float* up, int64_t n, float* y) {
  switch (kind) {
    case ActivationKind::kGelu:
      return Span<ActivationKind::kGelu, kGated>(x, up, n, y);
    case ActivationKind::kGeluTanh:
      return Span<ActivationKind::kGeluTanh, kGated>(x, up, n, y);
    case ActivationKind::kQuickGelu:
      return Span<ActivationKind::kQuickGelu, kGated>(x, up, n, y);
    case ActivationKind::kSilu:
      return Span<ActivationKind::kSilu, kGated>(x, up, n, y);
  }
}

void Plain(ActivationKind kind, const float* x, int64_t n, float* y) {
  SpanOf<false>(kind, x, x, n, y);
}
void Gated(ActivationKind kind, const float* gate, const float* up, int64_t n, float* y) {
  SpanOf<true>(kind, gate, up, n, y);
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sightline {
HWY_EXPORT(Plain);
HWY_EXPORT(Gated);
void ActivateSpan(ActivationKind kind, const float* x, int64_t n, float* y) {
  HWY_DYNAMIC_DISPATCH(Plain)(kind, x, n, y);
}
void ActivateGated(ActivationKind kind, const float* gate, const float* up, int64_t n, float* y) {
  HWY_DYNAMIC_DISPATCH(Gated)(kind, gate, up, n, y);
}
}  // namespace sightline
#endif
