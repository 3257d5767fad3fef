#include "compute/cpu/depthwise.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compute/cpu/depthwise.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::CappedTag<float, 16>;
using VF = hn::Vec<DF>;
constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(DF()));
constexpr int kPixels = 4;  // neighbours that share a loaded weight

// Taps of output (oy, ox) that lie inside: rows [y0, y1), columns [x0, x1) of the kernel.
struct Taps {
  int64_t y0, y1, x0, x1;
};
HWY_INLINE Taps Inside(const DepthwiseJob& j, int64_t oy, int64_t ox) {
  int64_t sy = oy * j.stride - j.padding, sx = ox * j.stride - j.padding;
  return {std::max<int64_t>(0, -sy), std::min(j.k, j.h - sy), std::max<int64_t>(0, -sx),
          std::min(j.k, j.w - sx)};
}

// P pixels from (oy, ox) on with the same taps, V vectors of channels from c on.
template <int P, int V>
HWY_INLINE void Block(const DepthwiseJob& j, const Taps& t, int64_t oy, int64_t ox, int64_t c) {
  const DF df;
  VF sum[P][V];
  for (int v = 0; v < V; ++v) {
    VF start = j.bias ? hn::LoadU(df, j.bias + c + v * kLanes) : hn::Zero(df);
    for (int p = 0; p < P; ++p) sum[p][v] = start;
  }
  const int64_t step = j.stride * j.c;
  for (int64_t ky = t.y0; ky < t.y1; ++ky) {
    const float* row =
        j.x + ((oy * j.stride - j.padding + ky) * j.w + ox * j.stride - j.padding) * j.c + c;
    for (int64_t kx = t.x0; kx < t.x1; ++kx) {
      const float* weight = j.weight + (ky * j.k + kx) * j.c + c;
      HWY_UNROLL(2)
      for (int v = 0; v < V; ++v) {
        VF w = hn::LoadU(df, weight + v * kLanes);
        HWY_UNROLL(4)
        for (int p = 0; p < P; ++p) {
          VF x = hn::LoadU(df, row + kx * j.c + p * step + v * kLanes);
          sum[p][v] = hn::MulAdd(w, x, sum[p][v]);
        }
      }
    }
  }
  for (int p = 0; p < P; ++p) {
    float* out = j.y + (oy * j.out_w + ox + p) * j.c + c;
    for (int v = 0; v < V; ++v) {
      VF y = sum[p][v];
      if (j.accumulate) y = hn::Add(y, hn::LoadU(df, out + v * kLanes));
      hn::StoreU(y, df, out + v * kLanes);
    }
  }
}

template <int P>
HWY_INLINE void Pixels(const DepthwiseJob& j, const Taps& t, int64_t oy, int64_t ox) {
  int64_t c = 0;
  for (; c + 2 * kLanes <= j.c; c += 2 * kLanes) Block<P, 2>(j, t, oy, ox, c);
  for (; c + kLanes <= j.c; c += kLanes) Block<P, 1>(j, t, oy, ox, c);
  for (; c < j.c; ++c) {
    for (int p = 0; p < P; ++p) {
      float sum = j.bias ? j.bias[c] : 0;
      for (int64_t ky = t.y0; ky < t.y1; ++ky) {
        for (int64_t kx = t.x0; kx < t.x1; ++kx) {
          int64_t sy = oy * j.stride - j.padding + ky, sx = (ox + p) * j.stride - j.padding + kx;
          sum += j.x[(sy * j.w + sx) * j.c + c] * j.weight[(ky * j.k + kx) * j.c + c];
        }
      }
      float* out = j.y + (oy * j.out_w + ox + p) * j.c + c;
      *out = sum + (j.accumulate ? *out : 0.0f);
    }
  }
}

void RowsAll(const DepthwiseJob& j, int64_t first, int64_t last) {
  for (int64_t oy = first; oy < last; ++oy) {
    for (int64_t ox = 0; ox < j.out_w;) {
      Taps t = Inside(j, oy, ox);
      bool same = t.x0 == 0 && ox + kPixels <= j.out_w && Inside(j, oy, ox + kPixels - 1).x1 == j.k;
      if (same) {
        Pixels<kPixels>(j, t, oy, ox);
        ox += kPixels;
      } else {
        Pixels<1>(j, t, oy, ox);
        ++ox;
      }
    }
  }
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sightline {
HWY_EXPORT(RowsAll);
void DepthwiseRows(const DepthwiseJob& job, int64_t first, int64_t last) {
  HWY_DYNAMIC_DISPATCH(RowsAll)(job, first, last);
}
}  // namespace sightline
#endif
