#include "compute/weights/block_format.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "compute/base/check.h"

namespace sightline {
namespace {

constexpr std::array<BlockTraits, 7> kTraits = {{{BlockFormat::kF32, "F32", 1, 4},
                                                 {BlockFormat::kF16, "F16", 1, 2},
                                                 {BlockFormat::kQ4_0, "Q4_0", 32, 18},
                                                 {BlockFormat::kQ8_0, "Q8_0", 32, 34},
                                                 {BlockFormat::kQ4_K, "Q4_K", 256, 144},
                                                 {BlockFormat::kQ6_K, "Q6_K", 256, 210},
                                                 {BlockFormat::kBF16, "BF16", 1, 2}}};

uint16_t Read16(const uint8_t* p) { return static_cast<uint16_t>(p[0] | p[1] << 8); }

// x = (q - 8) d; byte j holds values j (low half) and j + 16.
void FromQ4_0(const uint8_t* b, float* y) {
  float d = FromHalf(Read16(b));
  for (int j = 0; j < 16; ++j) {
    y[j] = static_cast<float>((b[2 + j] & 15) - 8) * d;
    y[j + 16] = static_cast<float>((b[2 + j] >> 4) - 8) * d;
  }
}

void FromQ8_0(const uint8_t* b, float* y) {
  float d = FromHalf(Read16(b));
  for (int j = 0; j < 32; ++j) y[j] = static_cast<float>(static_cast<int8_t>(b[2 + j])) * d;
}

// Eight sub-blocks of 32: x = d scale q - dmin min. Bytes 32 i + j hold value j of sub-blocks 2 i
// (low half) and 2 i + 1.
void FromQ4_K(const uint8_t* b, float* y) {
  float d = FromHalf(Read16(b)), dmin = FromHalf(Read16(b + 2));
  for (int s = 0; s < 8; ++s) {
    int scale, min;
    ScaleAndMin(b + 4, s, &scale, &min);
    const uint8_t* q = b + 16 + s / 2 * 32;
    float ds = d * static_cast<float>(scale), ms = dmin * static_cast<float>(min);
    for (int j = 0; j < 32; ++j) {
      y[s * 32 + j] = ds * static_cast<float>(s % 2 ? q[j] >> 4 : q[j] & 15) - ms;
    }
  }
}

// Sixteen sub-blocks of 16: x = d scale (q - 32). Low 4 bits in 128 bytes, high 2 bits in 64,
// 16 signed scales, d. In each half of 128 values, value 32 i + j takes bits 2 i of high byte j.
void FromQ6_K(const uint8_t* b, float* y) {
  float d = FromHalf(Read16(b + 208));
  const auto* scales = reinterpret_cast<const int8_t*>(b + 192);
  for (int v = 0; v < 256; ++v) {
    int half = v / 128, i = v % 128 / 32, j = v % 32;
    int low = b[half * 64 + i % 2 * 32 + j] >> (i / 2 * 4) & 15;
    int high = b[128 + half * 32 + j] >> (2 * i) & 3;
    const int group = v / 16;
    y[v] = d * static_cast<float>(scales[group]) * static_cast<float>((low | high << 4) - 32);
  }
}

}  // namespace

const BlockTraits* FindBlockTraits(uint32_t type) {
  for (const BlockTraits& t : kTraits) {
    if (static_cast<uint32_t>(t.format) == type) return &t;
  }
  return nullptr;
}

const BlockTraits* FindBlockTraits(std::string_view name) {
  for (const BlockTraits& t : kTraits) {
    if (t.name == name) return &t;
  }
  return nullptr;
}

const BlockTraits& TraitsOf(BlockFormat format) {
  const BlockTraits* t = FindBlockTraits(static_cast<uint32_t>(format));
  SL_CHECK(t);
  return *t;
}

int64_t BytesOf(BlockFormat format, int64_t n) {
  const BlockTraits& t = TraitsOf(format);
  SL_CHECK(n >= 0 && n % t.values == 0);
  return n / t.values * t.bytes;
}

float FromHalf(uint16_t half) {
  uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16, e = half >> 10 & 31, m = half & 1023;
  if (e == 31) return std::bit_cast<float>(sign | 0x7F800000u | m << 13);
  if (e == 0) {
    float f = static_cast<float>(m) * 5.9604644775390625e-8f;  // 2^-24
    return sign ? -f : f;
  }
  return std::bit_cast<float>(sign | (e + 112) << 23 | m << 13);
}

uint16_t ToHalf(float value) {
  auto bits = std::bit_cast<uint32_t>(value);
  auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  bits &= 0x7FFFFFFF;
  if (bits > 0x7F800000) return sign | 0x7E00;   // not a number
  if (bits >= 0x477FF000) return sign | 0x7C00;  // rounds past 65504
  if (bits < 0x38800000) {                       // subnormal halves: multiples of 2^-24
    float scaled = std::bit_cast<float>(bits) * 16777216.0f;
    return static_cast<uint16_t>(sign | static_cast<uint16_t>(std::nearbyint(scaled)));
  }
  uint32_t odd = bits >> 13 & 1;
  return static_cast<uint16_t>(sign | ((bits - 0x38000000 + 0xFFF + odd) >> 13));
}

uint16_t ToBfloat(float value) {
  auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFF) > 0x7F800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

void ScaleAndMin(const uint8_t* s, int j, int* scale, int* min) {
  if (j < 4) {
    *scale = s[j] & 63;
    *min = s[j + 4] & 63;
  } else {
    *scale = (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
    *min = s[j + 4] >> 4 | (s[j] >> 6) << 4;
  }
}

void DequantizeRow(BlockFormat format, const void* blocks, int64_t n, float* out) {
  const BlockTraits& t = TraitsOf(format);
  const auto* b = static_cast<const uint8_t*>(blocks);
  if (format == BlockFormat::kF32) {
    std::memcpy(out, b, static_cast<size_t>(BytesOf(format, n)));
    return;
  }
  SL_CHECK(n % t.values == 0);
  for (int64_t i = 0; i < n; i += t.values, b += t.bytes) {
    switch (format) {
      case BlockFormat::kF16:
        out[i] = FromHalf(Read16(b));
        break;
      case BlockFormat::kBF16:
        out[i] = FromBfloat(Read16(b));
        break;
      case BlockFormat::kQ4_0:
        FromQ4_0(b, out + i);
        break;
      case BlockFormat::kQ8_0:
        FromQ8_0(b, out + i);
        break;
      case BlockFormat::kQ4_K:
        FromQ4_K(b, out + i);
        break;
      case BlockFormat::kQ6_K:
        FromQ6_K(b, out + i);
        break;
      case BlockFormat::kF32:
        break;
    }
  }
}

}  // namespace sightline
