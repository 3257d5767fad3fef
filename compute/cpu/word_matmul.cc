#include "compute/cpu/word_matmul.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "compute/base/check.h"
#include "compute/base/thread_pool.h"
#include "compute/cpu/units.h"
#include "compute/cpu/word_kernels.h"

namespace sightline {
namespace {

// Quantised x, in space that is this thread's until its next product.
WordRows Quantise(const float* x, int64_t x_stride, int64_t m, int64_t k) {
  static thread_local AlignedBuffer space;  // grows, never shrinks
  WordRows q;
  q.rows = m;
  q.blocks = (k + kWordBlock - 1) / kWordBlock;
  // An odd number of cache lines from row to row: rows of a tile fall into different sets.
  q.stride = q.blocks * kWordBlock + 32;
  int64_t codes = (2 * m * q.stride + 63) / 64 * 64, scales = 4 * m * q.blocks;
  space.Grow(codes + scales);
  q.codes = reinterpret_cast<int16_t*>(space.data());
  q.scale = reinterpret_cast<float*>(space.data() + codes);
  ParallelFor(m, std::max<int64_t>(1, 16384 / k), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) QuantizeWordRow(x + r * x_stride, k, r, q);
  });
  return q;
}

}  // namespace

void WordMatMul(const float* x, int64_t x_stride, int64_t m, int64_t k,
                std::span<const WordJob> jobs) {
  if (m == 0) return;
  std::vector<int64_t> units;
  for (const WordJob& job : jobs) {
    SL_CHECK(job.w->k == k);
    units.push_back((job.w->panels + kWordUnitPanels - 1) / kWordUnitPanels);
  }
  WordRows q = Quantise(x, x_stride, m, k);
  ForUnits(units, 1, [&](size_t j, int64_t begin, int64_t end) {
    const WordJob& job = jobs[j];
    WordGemm(*job.w, q, begin * kWordUnitPanels, std::min(end * kWordUnitPanels, job.w->panels),
             {job.out, job.out_stride, job.bias});
  });
}

void WordMatMulReference(const float* x, int64_t x_stride, int64_t m, int64_t k,
                         std::span<const WordJob> jobs) {
  WordRows q = Quantise(x, x_stride, m, k);
  for (const WordJob& job : jobs) {
    SL_CHECK(job.w->k == k);
    std::vector<float> weights(static_cast<size_t>(k));
    for (int64_t n = 0; n < job.w->n; ++n) {
      UnpackRow(*job.w, n, weights.data());
      for (int64_t i = 0; i < m; ++i) {
        double total = job.bias ? job.bias[n] : 0;
        for (int64_t j = 0; j < k; ++j) {
          total += static_cast<double>(weights[static_cast<size_t>(j)]) *
                   q.scale[i * q.blocks + j / kWordBlock] * q.codes[i * q.stride + j];
        }
        job.out[i * job.out_stride + n] = static_cast<float>(total);
      }
    }
  }
}

}  // namespace sightline
