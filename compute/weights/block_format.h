// How GGUF stores rows of weights: plain numbers, or blocks that share a scale.
//
// The layouts are those of the GGUF specification (ggml's block_q*): little endian, halves are IEEE
// binary16. The loops here are plain and are what every faster path is held against.
#pragma once

#include <cstdint>
#include <string_view>

namespace sightline {

// The values are GGUF's own type numbers.
enum class BlockFormat : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ8_0 = 8,
  kQ4_K = 12,
  kQ6_K = 14,
  kBF16 = 30,
};

struct BlockTraits {
  BlockFormat format;
  std::string_view name;  // "Q4_K"
  int64_t values;         // numbers in a block; a row is a whole number of blocks
  int64_t bytes;          // bytes of a block
};

// Null for a type number that this project does not read.
const BlockTraits* FindBlockTraits(uint32_t type);
// Likewise for a name, "Q4_K".
const BlockTraits* FindBlockTraits(std::string_view name);
const BlockTraits& TraitsOf(BlockFormat format);
// Bytes of `n` numbers; n must be a multiple of the block.
int64_t BytesOf(BlockFormat format, int64_t n);

float FromHalf(uint16_t half);
uint16_t ToHalf(float value);  // nearest, ties to even; too large becomes infinity
inline float FromBfloat(uint16_t value) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(value) << 16);
}
uint16_t ToBfloat(float value);  // nearest, ties to even

// The two 6-bit numbers of sub-block j (0..7) in the 12 bytes of a Q4_K block.
void ScaleAndMin(const uint8_t* scales, int j, int* scale, int* min);

// One row (or several contiguous ones) of n numbers; n is a multiple of the block. `blocks` may be
// unaligned.
void DequantizeRow(BlockFormat format, const void* blocks, int64_t n, float* out);
// Quantises n numbers; values must be finite.
void QuantizeRow(BlockFormat format, const float* values, int64_t n, void* blocks);

}  // namespace sightline
