// The fit behind Q4_K: up to eight sub-blocks of 32 values under two shared halves.
#pragma once

#include <cstdint>

namespace sightline {

struct AffineBlocks {
  uint16_t d = 0, dmin = 0;            // halves: x = d scale q - dmin min
  uint8_t scale[8] = {}, min[8] = {};  // 0..63
  uint8_t q[256] = {};                 // 0..15, in the order of the values
};

// Fits x [blocks * 32]; 1 to 8 blocks, finite values.
void FitAffine(const float* x, int blocks, AffineBlocks* out);

}  // namespace sightline
