#include "compute/cpu/float_matmul.h"

#include <algorithm>
#include <vector>

#include "compute/base/check.h"
#include "compute/base/thread_pool.h"
#include "compute/cpu/float_kernels.h"
#include "compute/cpu/units.h"

namespace sightline {

void FloatMatMul(const float* x, int64_t x_stride, int64_t m, int64_t k,
                 std::span<const FloatJob> jobs) {
  if (m == 0) return;
  std::vector<int64_t> panels;
  for (const FloatJob& job : jobs) {
    SL_CHECK(job.w->k == k);
    panels.push_back(job.w->panels);
  }
  if (m <= kFloatGemvRows) {
    // A part is some 64 KiB of weights: long enough to stream, short enough to share evenly.
    int64_t grain = std::max<int64_t>(1, 32768 / (k * 16) / 4 * 4);
    ForUnits(panels, grain, [&](size_t j, int64_t begin, int64_t end) {
      const FloatJob& job = jobs[j];
      FloatGemv(*job.w, x, x_stride, m, begin, end, {job.out, job.out_stride, job.bias});
    });
    return;
  }
  static thread_local AlignedBuffer space;  // grows, never shrinks
  int64_t strips = (m + kStripRows - 1) / kStripRows, chunks = (k + kDepth - 1) / kDepth;
  int64_t bytes = strips * chunks * StripFloats() * static_cast<int64_t>(sizeof(float));
  space.Grow(bytes);
  auto* packed = reinterpret_cast<float*>(space.data());
  ParallelFor(strips, 4, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) PackStrip(x, x_stride, m, k, s, packed);
  });
  for (int64_t& units : panels) units = (units + kUnitPanels - 1) / kUnitPanels;
  ForUnits(panels, 1, [&](size_t j, int64_t begin, int64_t end) {
    const FloatJob& job = jobs[j];
    FloatGemm(*job.w, packed, m, begin * kUnitPanels, std::min(end * kUnitPanels, job.w->panels),
              {job.out, job.out_stride, job.bias});
  });
}

void FloatMatMulReference(const float* x, int64_t x_stride, int64_t m, int64_t k,
                          std::span<const FloatJob> jobs) {
  for (const FloatJob& job : jobs) {
    SL_CHECK(job.w->k == k);
    std::vector<float> weights(static_cast<size_t>(k));
    for (int64_t n = 0; n < job.w->n; ++n) {
      UnpackRow(*job.w, n, weights.data());
      for (int64_t i = 0; i < m; ++i) {
        double total = job.bias ? job.bias[n] : 0;
        for (int64_t j = 0; j < k; ++j) {
          total += static_cast<double>(weights[static_cast<size_t>(j)]) * x[i * x_stride + j];
        }
        job.out[i * job.out_stride + n] = static_cast<float>(total);
      }
    }
  }
}

}  // namespace sightline
