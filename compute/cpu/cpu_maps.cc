// Convolutions and pools over maps.
#include <cstring>

#include "compute/base/thread_pool.h"
#include "compute/cpu/cpu_backend.h"
#include "compute/cpu/depthwise.h"

namespace sightline {

Status CpuOps::Patches(const MapView& x, const ConvSteps& s, int64_t first, int64_t count,
                       float* patches) {
  int64_t ow = OutSide(x.w, s), c = x.c, width = s.kernel * s.kernel * c;
  ParallelFor(count, 1, [&](int64_t b, int64_t e) {
    for (int64_t y = b; y < e; ++y) {
      for (int64_t ox = 0; ox < ow; ++ox) {
        float* out = patches + (y * ow + ox) * width;
        for (int64_t t = 0; t < s.kernel * s.kernel; ++t, out += c) {
          int64_t sy = (first + y) * s.stride + t / s.kernel - s.padding;
          int64_t sx = ox * s.stride + t % s.kernel - s.padding;
          if (sy < 0 || sy >= x.h || sx < 0 || sx >= x.w) {
            std::memset(out, 0, static_cast<size_t>(c) * sizeof(float));
          } else {
            std::memcpy(out, x.data + (sy * x.w + sx) * c, static_cast<size_t>(c) * sizeof(float));
          }
        }
      }
    }
  });
  return absl::OkStatus();
}

Status CpuOps::Depthwise(const MapView& x, const ConvSteps& s, const float* taps, const float* bias,
                         float* y) {
  int64_t oh = OutSide(x.h, s), ow = OutSide(x.w, s);
  DepthwiseJob job{x.data, x.h,  x.w,   x.c, s.kernel, s.stride, s.padding,
                   taps,   bias, false, oh,  ow,       y};
  ParallelFor(oh, 1, [&](int64_t b, int64_t e) { DepthwiseRows(job, b, e); });
  return absl::OkStatus();
}

Status CpuOps::AveragePool(const MapView& x, const PoolSteps& p, float* y) {
  int64_t c = x.c, oh = (x.h - p.h) / p.step_h + 1, ow = (x.w - p.w) / p.step_w + 1;
  ParallelFor(oh * ow, 1, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      float* out = y + i * c;
      std::memset(out, 0, static_cast<size_t>(c) * sizeof(float));
      for (int64_t t = 0; t < p.h * p.w; ++t) {
        int64_t sy = i / ow * p.step_h + t / p.w, sx = i % ow * p.step_w + t % p.w;
        const float* in = x.data + (sy * x.w + sx) * c;
        for (int64_t k = 0; k < c; ++k) out[k] += in[k];
      }
      for (int64_t k = 0; k < c; ++k) out[k] /= static_cast<float>(p.h * p.w);
    }
  });
  return absl::OkStatus();
}

}  // namespace sightline
