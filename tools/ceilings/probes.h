// The ceilings that quantised products are held against, measured now.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace sightline::bench {

// Restricts both our kernels and oneDNN to "avx2", "avx512" (without byte dot products) or "vnni"
// (with them, without matrix tiles); "" leaves them alone. False for another name. Call before
// anything else.
bool LimitIsa(const std::string& name);
std::string IsaName();

// A pass of all compute threads over `bytes` (at `data`, 64-byte aligned), fetching ahead as our
// kernels do: bytes a second.
double ReadRate(const uint8_t* data, int64_t bytes);
// float32 multiply-adds from registers on all compute threads, operations a second.
double FloatPeak();
// u8 x s8 products from registers on all compute threads, operations a second (two for a
// multiply-add): the byte dot product where the CPU has it, else maddubs + madd + add.
double Int8Peak();
// The same of maddubs with 16-bit sums, which only codes of 4 bits allow; the byte dot product
// where there is one.
double Int4Peak();
// oneDNN's u8 s8 s32 products of M rows with matrices [N, K], one after another with its threads
// awake: seconds.
double OneDnnSeconds(int64_t m, std::span<const std::pair<int64_t, int64_t>> matrices);

}  // namespace sightline::bench
