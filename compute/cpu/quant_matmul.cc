#include "compute/cpu/quant_matmul.h"

#include <algorithm>
#include <vector>

#include "compute/base/check.h"
#include "compute/cpu/quant_kernels.h"
#include "compute/cpu/units.h"

namespace sightline {

void QuantMatMul(const QuantRows& x, std::span<const MatMulJob> jobs) {
  if (x.rows == 0) return;
  bool few = x.rows <= kGemvRows;
  int64_t unit = few ? kPanelRows : GemmGroupRows(), total = 0;
  std::vector<int64_t> units;
  for (const MatMulJob& job : jobs) {
    SL_CHECK(job.w->k == x.k);
    units.push_back((job.w->n + unit - 1) / unit);
    total += units.back();
  }
  // A thread's parts follow each other, so they need not be long to stream; some 16 KiB of weights
  // share even small matrices evenly. Groups that are multiplied together read the activations
  // once.
  int64_t grain = few ? 16384 / std::max<int64_t>(1, x.k * kPanelRows)
                      : std::min(kGemmGroups, total / (4 * ComputeThreads()));
  ForUnits(units, std::max<int64_t>(1, grain), [&](size_t j, int64_t begin, int64_t end) {
    const MatMulJob& job = jobs[j];
    if (few) {
      GemvPanels(*job.w, x, 0, x.rows, begin, end, job.out, job.out_stride);
    } else {
      GemmGroups(*job.w, x, begin, end, job.out, job.out_stride);
    }
    for (int64_t m = 0; job.bias && m < x.rows; ++m) {
      float* row = job.out + m * job.out_stride;
      for (int64_t n = begin * unit; n < std::min(job.w->n, end * unit); ++n) row[n] += job.bias[n];
    }
  });
}

void QuantMatMulReference(const QuantRows& x, std::span<const MatMulJob> jobs) {
  for (const MatMulJob& job : jobs) {
    SL_CHECK(job.w->k == x.k);
    std::vector<float> weights(static_cast<size_t>(x.k));
    for (int64_t n = 0; n < job.w->n; ++n) {
      UnpackRow(*job.w, n, weights.data());
      for (int64_t m = 0; m < x.rows; ++m) {
        double total = job.bias ? job.bias[n] : 0;
        for (int64_t k = 0; k < x.k; ++k) {
          total += static_cast<double>(weights[static_cast<size_t>(k)]) *
                   x.scale[m * x.blocks + k / 32] * x.codes[m * x.stride + k];
        }
        job.out[m * job.out_stride + n] = static_cast<float>(total);
      }
    }
  }
}

}  // namespace sightline
