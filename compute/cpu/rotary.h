// Rotary turns of heads, dispatched to the best SIMD target.
#pragma once

#include <cstdint>

namespace sightline {

// Heads [0, heads) of D numbers, side by side in each of `rows` rows that are `stride` floats
// apart: pairs (i, i + D/2) turn by the angle whose cosine and sine stand at [row, D/2]. In place,
// single-threaded.
void RotateRows(float* x, int64_t rows, int64_t stride, int64_t heads, int64_t d,
                const float* cosine, const float* sine);

}  // namespace sightline
