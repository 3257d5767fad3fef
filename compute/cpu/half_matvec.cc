#include "compute/cpu/half_matvec.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compute/cpu/half_matvec.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/cache_control.h>

#include "compute/cpu/halves-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {

constexpr int kParts = 4;  // vectors of a row summed apart, to hide the latency of a sum
constexpr int64_t kAheadHalves = 1024;

template <BlockFormat F, int M>
void MatVecRows(const uint16_t* w, int64_t k, const float* x, int64_t x_stride, int64_t begin,
                int64_t end, float* out, int64_t out_stride) {
  const HalfDF d;
  const auto lanes = static_cast<int64_t>(hn::MaxLanes(d)), step = lanes * kParts;
  for (int64_t n = begin; n < end; ++n) {
    const uint16_t* row = w + n * k;
    HalfVF sum[M][kParts];
    for (int m = 0; m < M; ++m) {
      for (auto& s : sum[m]) s = hn::Zero(d);
    }
    int64_t i = 0;
    for (; i + step <= k; i += step) {
      for (int64_t p = 0; p < step; p += 32) hwy::Prefetch(row + i + kAheadHalves + p);
      for (int p = 0; p < kParts; ++p) {
        HalfVF v = LoadWide<F>(row + i + p * lanes);
        for (int m = 0; m < M; ++m) {
          sum[m][p] = hn::MulAdd(v, hn::LoadU(d, x + m * x_stride + i + p * lanes), sum[m][p]);
        }
      }
    }
    for (; i < k; i += lanes) {  // what is left, padded with zeros
      HWY_ALIGN uint16_t weights[16] = {};
      auto some = static_cast<size_t>(std::min(lanes, k - i));
      std::memcpy(weights, row + i, some * sizeof(uint16_t));
      HalfVF v = LoadWide<F>(weights);
      for (int m = 0; m < M; ++m) {
        HWY_ALIGN float values[16] = {};
        std::memcpy(values, x + m * x_stride + i, some * sizeof(float));
        sum[m][0] = hn::MulAdd(v, hn::Load(d, values), sum[m][0]);
      }
    }
    for (int m = 0; m < M; ++m) {
      HalfVF s = hn::Add(hn::Add(sum[m][0], sum[m][1]), hn::Add(sum[m][2], sum[m][3]));
      out[m * out_stride + n] = hn::GetLane(hn::SumOfLanes(d, s));
    }
  }
}

template <BlockFormat F>
void MatVecFormat(const uint16_t* w, int64_t k, const float* x, int64_t x_stride, int64_t rows,
                  int64_t begin, int64_t end, float* out, int64_t out_stride) {
  switch (rows) {
    case 1:
      return MatVecRows<F, 1>(w, k, x, x_stride, begin, end, out, out_stride);
    case 2:
      return MatVecRows<F, 2>(w, k, x, x_stride, begin, end, out, out_stride);
    case 3:
      return MatVecRows<F, 3>(w, k, x, x_stride, begin, end, out, out_stride);
    default:
      return MatVecRows<F, 4>(w, k, x, x_stride, begin, end, out, out_stride);
  }
}

void MatVecAll(bool bfloat, const uint16_t* w, int64_t k, const float* x, int64_t x_stride,
               int64_t rows, int64_t begin, int64_t end, float* out, int64_t out_stride) {
  auto f = bfloat ? MatVecFormat<BlockFormat::kBF16> : MatVecFormat<BlockFormat::kF16>;
  f(w, k, x, x_stride, rows, begin, end, out, out_stride);
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "compute/base/check.h"
#include "compute/base/thread_pool.h"

namespace sightline {
HWY_EXPORT(MatVecAll);

void HalfMatVec(BlockFormat format, const uint16_t* w, int64_t n, int64_t k, const float* x,
                int64_t x_stride, int64_t rows, float* out, int64_t out_stride) {
  SL_CHECK(format == BlockFormat::kF16 || format == BlockFormat::kBF16);
  int64_t grain = std::max<int64_t>(1, 32768 / std::max<int64_t>(1, k));
  for (int64_t row = 0; row < rows; row += 4) {
    ParallelFor(n, grain, [&](int64_t begin, int64_t end) {
      HWY_DYNAMIC_DISPATCH(MatVecAll)
      (format == BlockFormat::kBF16, w, k, x + row * x_stride, x_stride,
       std::min<int64_t>(4, rows - row), begin, end, out + row * out_stride, out_stride);
    });
  }
}

}  // namespace sightline
#endif
