#include "compute/cpu/quant_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compute/cpu/quant_rows.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include "compute/cpu/simd_dot-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {

bool ByteDots() { return kByteDot; }

// One row, [blocks * 32] codes; `blocks` whole blocks of x.
void QuantizeOneRow(const float* x, int64_t blocks, int8_t* codes, float* scale, float* sum,
                    int32_t* bias, int32_t* bias16) {
  const DF df;
  const DI di;
  const hn::Rebind<int8_t, DI> d8;
  constexpr int kVectors = 32 / kLanes;
  for (int64_t b = 0; b < blocks; ++b, x += 32) {
    VF most = hn::Abs(hn::LoadU(df, x));
    for (int v = 1; v < kVectors; ++v) most = hn::Max(most, hn::Abs(hn::LoadU(df, x + v * kLanes)));
    float top = hn::GetLane(hn::MaxOfLanes(df, most));
    scale[b] = top / 127;
    VF inverse = hn::Set(df, top > 0 ? 127 / top : 0);
    VI half[2] = {hn::Zero(di), hn::Zero(di)};
    for (int v = 0; v < kVectors; ++v) {
      VI q = hn::NearestInt(hn::Mul(hn::LoadU(df, x + v * kLanes), inverse));
      q = hn::Max(hn::Min(q, hn::Set(di, 127)), hn::Set(di, -127));
      half[v * kLanes / 16] = hn::Add(half[v * kLanes / 16], q);
      hn::StoreU(hn::DemoteTo(d8, q), d8, codes + b * 32 + v * kLanes);
    }
    int32_t first = hn::GetLane(hn::SumOfLanes(di, half[0]));
    int32_t second = hn::GetLane(hn::SumOfLanes(di, half[1]));
    bias16[2 * b] = -128 * first;
    bias16[2 * b + 1] = -128 * second;
    bias[b] = -128 * (first + second);
    sum[b] = scale[b] * static_cast<float>(first + second);
  }
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <algorithm>
#include <cstring>
#include <utility>

#include "compute/base/check.h"
#include "compute/base/thread_pool.h"
#include "compute/cpu/amx.h"
#include "compute/cpu/quant_kernels.h"

namespace sightline {
HWY_EXPORT(ByteDots);
HWY_EXPORT(QuantizeOneRow);

namespace {

// Places the arrays in `out->space`.
void Reserve(int64_t rows, int64_t k, bool wide, bool tiles, QuantRows* out) {
  out->rows = rows;
  out->k = k;
  out->blocks = (k / 32 + 1) / 2 * 2;
  // An odd number of cache lines from row to row: rows of a tile fall into different sets.
  out->stride = out->blocks * 32 / 64 * 64 + (out->blocks / 2 % 2 ? 0 : 64);
  // Matrix tiles read 16 rows at a time: past the last there is room, of which nothing is used.
  int64_t at = 0, n = rows * out->blocks, tile_rows = (rows + 15) / 16 * 16;
  auto place = [&](int64_t bytes) { return std::exchange(at, at + (bytes + 127) / 64 * 64); };
  int64_t codes = place(tile_rows * out->stride), scale = place(4 * n), sum = place(4 * n),
          bias = place(4 * n), bias16 = place(8 * n),
          words = place(wide ? 2 * rows * out->stride : 0),
          of_tiles = tiles ? 64 * tile_rows / 16 * out->blocks : 0, tile_scale = place(of_tiles),
          tile_sum = place(of_tiles);
  out->space.Grow(at);
  uint8_t* p = out->space.data();
  out->codes = reinterpret_cast<int8_t*>(p + codes);
  out->scale = reinterpret_cast<float*>(p + scale);
  out->sum = reinterpret_cast<float*>(p + sum);
  out->tile_scale = tiles ? reinterpret_cast<float*>(p + tile_scale) : nullptr;
  out->tile_sum = tiles ? reinterpret_cast<float*>(p + tile_sum) : nullptr;
  out->bias = reinterpret_cast<int32_t*>(p + bias);
  out->bias16 = reinterpret_cast<int32_t*>(p + bias16);
  out->wide = wide ? reinterpret_cast<int16_t*>(p + words) : nullptr;
}

void FillTiles(int64_t row, QuantRows* out) {
  int64_t from = row * out->blocks, to = row / 16 * 16 * out->blocks + row % 16;
  for (int64_t b = 0; b < out->blocks; ++b) {
    out->tile_scale[to + 16 * b] = out->scale[from + b];
    out->tile_sum[to + 16 * b] = out->sum[from + b];
  }
}

}  // namespace

void QuantizeRows(const float* x, int64_t x_stride, int64_t rows, int64_t k, QuantRows* out) {
  SL_CHECK(k > 0 && k % 32 == 0 && rows >= 0);
  Reserve(rows, k, !HWY_DYNAMIC_DISPATCH(ByteDots)(), rows > kGemvRows && HasAmx(), out);
  int64_t real = k / 32;
  if (int64_t spare = rows % 16; out->tile_scale && spare > 0) {
    // Rows that only fill the last tile weigh nothing; what the space held could be slow to
    // multiply.
    int64_t at = rows / 16 * 16 * out->blocks;
    std::fill_n(out->tile_scale + at, 16 * out->blocks, 0.0f);
    std::fill_n(out->tile_sum + at, 16 * out->blocks, 0.0f);
  }
  auto part = [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      int64_t b = r * out->blocks;
      int8_t* codes = out->codes + r * out->stride;
      HWY_DYNAMIC_DISPATCH(QuantizeOneRow)
      (x + r * x_stride, real, codes, out->scale + b, out->sum + b, out->bias + b,
       out->bias16 + 2 * b);
      if (real < out->blocks) {
        std::memset(codes + real * 32, 0, 32);
        out->scale[b + real] = out->sum[b + real] = 0;
        out->bias[b + real] = out->bias16[2 * (b + real)] = out->bias16[2 * (b + real) + 1] = 0;
      }
      if (out->tile_scale) FillTiles(r, out);
      if (!out->wide) continue;
      int16_t* w = out->wide + r * out->stride;
      for (int64_t i = 0; i < out->blocks * 32; i += 4) {
        w[i] = codes[i], w[i + 1] = codes[i + 2], w[i + 2] = codes[i + 1], w[i + 3] = codes[i + 3];
      }
    }
  };
  int64_t grain = std::max<int64_t>(1, 16384 / k);
  if (rows * k < 32768) {
    part(0, rows);
  } else {
    ParallelFor(rows, grain, part);
  }
}

}  // namespace sightline
#endif
