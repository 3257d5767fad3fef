// float32 to IEEE binary16, as keys and values are stored.
#pragma once

#include <cstdint>

namespace sightline {

// Nearest, ties to even; what is too large becomes the largest finite number of its sign, what is
// not a number stays none. Single-threaded, dispatched to the best SIMD target.
void NarrowToHalf(const float* from, int64_t n, uint16_t* to);

}  // namespace sightline
