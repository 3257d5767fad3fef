// QuantizeRow of block_format.h: floats to blocks, each block's scale chosen for the least square
// error over a few candidates.
#include "compute/weights/block_quantize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compute/base/check.h"
#include "compute/weights/block_format.h"

namespace sightline {
namespace {

void Write16(uint8_t* p, uint16_t v) {
  p[0] = static_cast<uint8_t>(v);
  p[1] = static_cast<uint8_t>(v >> 8);
}

int Nearest(float x) { return static_cast<int>(std::nearbyint(x)); }

// The value farthest from zero, with its sign.
float Extreme(const float* x, int n) {
  float extreme = 0;
  for (int j = 0; j < n; ++j) extreme = std::fabs(x[j]) > std::fabs(extreme) ? x[j] : extreme;
  return extreme;
}

void ToQ8_0(const float* x, uint8_t* b) {
  float most = std::fabs(Extreme(x, 32));
  uint16_t half = ToHalf(most / 127);
  Write16(b, half);
  float d = FromHalf(half), inverse = d > 0 ? 1 / d : 0;
  for (int j = 0; j < 32; ++j) {
    b[2 + j] =
        static_cast<uint8_t>(static_cast<int8_t>(std::clamp(Nearest(x[j] * inverse), -127, 127)));
  }
}

// The extreme value takes code 0, which reaches one step farther than code 15.
void ToQ4_0(const float* x, uint8_t* b) {
  uint16_t half = ToHalf(Extreme(x, 32) / -8);
  Write16(b, half);
  float d = FromHalf(half), inverse = d != 0 ? 1 / d : 0;
  auto code = [&](float v) {
    return static_cast<uint8_t>(std::clamp(Nearest(v * inverse) + 8, 0, 15));
  };
  for (int j = 0; j < 16; ++j) b[2 + j] = static_cast<uint8_t>(code(x[j]) | code(x[j + 16]) << 4);
}

void ToQ4_K(const float* x, uint8_t* b) {
  AffineBlocks a;
  FitAffine(x, 8, &a);
  std::memset(b, 0, 144);
  Write16(b, a.d);
  Write16(b + 2, a.dmin);
  uint8_t* s = b + 4;
  for (int j = 0; j < 8; ++j) {
    if (j < 4) {
      s[j] = static_cast<uint8_t>(s[j] | a.scale[j]);
      s[j + 4] = static_cast<uint8_t>(s[j + 4] | a.min[j]);
    } else {
      s[j + 4] = static_cast<uint8_t>((a.scale[j] & 15) | (a.min[j] & 15) << 4);
      s[j - 4] = static_cast<uint8_t>(s[j - 4] | (a.scale[j] >> 4) << 6);
      s[j] = static_cast<uint8_t>(s[j] | (a.min[j] >> 4) << 6);
    }
  }
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 32; ++j) {
      b[16 + i * 32 + j] = static_cast<uint8_t>(a.q[i * 64 + j] | a.q[i * 64 + 32 + j] << 4);
    }
  }
}

void ToQ6_K(const float* x, uint8_t* b) {
  float scale[16], extreme = 0;
  for (int s = 0; s < 16; ++s) {
    scale[s] = Extreme(x + s * 16, 16) / -32;
    extreme = std::fabs(scale[s]) > std::fabs(extreme) ? scale[s] : extreme;
  }
  std::memset(b, 0, 210);
  uint16_t half = ToHalf(extreme / -128);
  Write16(b + 208, half);
  float d = FromHalf(half);
  for (int s = 0; s < 16; ++s) {
    int code = d != 0 ? std::clamp(Nearest(scale[s] / d), -128, 127) : 0;
    b[192 + s] = static_cast<uint8_t>(code);
    float step = d * static_cast<float>(code), inverse = step != 0 ? 1 / step : 0;
    for (int v = s * 16; v < s * 16 + 16; ++v) {
      int q = std::clamp(Nearest(x[v] * inverse) + 32, 0, 63);
      int h = v / 128, i = v % 128 / 32, j = v % 32;
      uint8_t& low = b[h * 64 + i % 2 * 32 + j];
      uint8_t& high = b[128 + h * 32 + j];
      low = static_cast<uint8_t>(low | (q & 15) << (i / 2 * 4));
      high = static_cast<uint8_t>(high | (q >> 4) << (2 * i));
    }
  }
}

// Scale and offset of one sub-block of 32 (x ~ scale q - min, min >= 0) with the least square error
// over a few ranges: clipping an outlier often serves the other values better.
void FitSubBlock(const float* x, float* scale, float* min) {
  float low = 0, high = x[0], total = 0;
  for (int j = 0; j < 32; ++j) {
    low = std::min(low, x[j]);
    high = std::max(high, x[j]);
    total += x[j];
  }
  *scale = 0;
  *min = -low;
  if (high <= low) return;
  float best = INFINITY;
  for (float steps : {15.0f, 14.4f, 15.6f, 16.4f, 17.2f}) {
    float inverse = steps / (high - low), sq = 0, sqq = 0, sxq = 0, q[32];
    for (int j = 0; j < 32; ++j) {
      q[j] = std::clamp(std::nearbyint((x[j] - low) * inverse), 0.0f, 15.0f);
      sq += q[j];
      sqq += q[j] * q[j];
      sxq += x[j] * q[j];
    }
    // Least squares for x ~ s q - m; where m would be negative it is held at zero.
    float det = 32 * sqq - sq * sq;
    if (det <= 0 || sqq <= 0) continue;
    float s = (32 * sxq - total * sq) / det, m = (s * sq - total) / 32;
    if (m < 0) m = 0, s = sxq / sqq;
    if (s <= 0) continue;
    float error = 0;
    for (int j = 0; j < 32; ++j) error += (s * q[j] - m - x[j]) * (s * q[j] - m - x[j]);
    if (error < best) best = error, *scale = s, *min = m;
  }
  if (best == INFINITY) *scale = (high - low) / 15;
}

}  // namespace

void FitAffine(const float* x, int blocks, AffineBlocks* a) {
  SL_CHECK(blocks >= 1 && blocks <= 8);
  float scale[8], min[8], most_scale = 0, most_min = 0;
  for (int s = 0; s < blocks; ++s) {
    FitSubBlock(x + s * 32, &scale[s], &min[s]);
    most_scale = std::max(most_scale, scale[s]);
    most_min = std::max(most_min, min[s]);
  }
  a->d = ToHalf(most_scale / 63);
  a->dmin = ToHalf(most_min / 63);
  float d = FromHalf(a->d), dmin = FromHalf(a->dmin);
  for (int s = 0; s < blocks; ++s) {
    a->scale[s] = static_cast<uint8_t>(d > 0 ? std::clamp(Nearest(scale[s] / d), 0, 63) : 0);
    a->min[s] = static_cast<uint8_t>(dmin > 0 ? std::clamp(Nearest(min[s] / dmin), 0, 63) : 0);
    float step = d * static_cast<float>(a->scale[s]), m = dmin * static_cast<float>(a->min[s]);
    float inverse = step > 0 ? 1 / step : 0;
    for (int j = s * 32; j < s * 32 + 32; ++j) {
      a->q[j] = static_cast<uint8_t>(std::clamp(Nearest((x[j] + m) * inverse), 0, 15));
    }
  }
}

void QuantizeRow(BlockFormat format, const float* values, int64_t n, void* blocks) {
  const BlockTraits& t = TraitsOf(format);
  auto* b = static_cast<uint8_t*>(blocks);
  if (format == BlockFormat::kF32) {
    std::memcpy(b, values, static_cast<size_t>(BytesOf(format, n)));
    return;
  }
  SL_CHECK(n % t.values == 0);
  for (int64_t i = 0; i < n; i += t.values, b += t.bytes) {
    switch (format) {
      case BlockFormat::kF16:
        Write16(b, ToHalf(values[i]));
        break;
      case BlockFormat::kBF16:
        Write16(b, ToBfloat(values[i]));
        break;
      case BlockFormat::kQ4_0:
        ToQ4_0(values + i, b);
        break;
      case BlockFormat::kQ8_0:
        ToQ8_0(values + i, b);
        break;
      case BlockFormat::kQ4_K:
        ToQ4_K(values + i, b);
        break;
      case BlockFormat::kQ6_K:
        ToQ6_K(values + i, b);
        break;
      case BlockFormat::kF32:
        break;
    }
  }
}

}  // namespace sightline
