// Intel's matrix tiles (AMX): eight registers of 16 rows by 64 bytes, and one instruction that
// multiplies signed bytes of two and adds to int32 in a third. Sapphire Rapids and later; the
// kernel grants their use to a process that asks.
#pragma once

#include <cstdint>

namespace sightline {

// Whether this process may use tiles of bytes. Asks the kernel the first time; threads may call it
// at once.
bool HasAmx();
// Makes HasAmx() say no, or undoes that: to hold one path to the other. Not while products run.
void AllowAmx(bool allow);

#if defined(__x86_64__)
// What this thread's tiles hold, from here to the end of the scope: tiles 0 and 1 are sums [16, 16]
// int32, 2 and 3 rows of the first factor [16, depth] int8, 4 and 5 the second [depth / 4, 16, 4]
// int8. `depth`: 4 to 64, a multiple of 4.
class AmxTiles {
 public:
  explicit AmxTiles(int depth);
  ~AmxTiles() { asm volatile("tilerelease"); }
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;

  // Set 0 or 1 of the tiles: sums [16, 16] = a b, rows of `a` a_stride bytes apart, rows of 64
  // bytes of `b` b_stride.
  template <int kSet>
  static inline __attribute__((always_inline)) void Multiply(const int8_t* a, int64_t a_stride,
                                                             const uint8_t* b, int64_t b_stride,
                                                             int32_t* sums) {
    asm volatile(
        "tilezero %%tmm%c5\n\ttileloadd (%0,%1,1), %%tmm%c6\n\ttileloadd (%2,%3,1), %%tmm%c7\n\t"
        "tdpbssd %%tmm%c7, %%tmm%c6, %%tmm%c5\n\ttilestored %%tmm%c5, (%4,%8,1)"
        :
        : "r"(a), "r"(a_stride), "r"(b), "r"(b_stride), "r"(sums), "i"(kSet), "i"(kSet + 2),
          "i"(kSet + 4), "r"(int64_t{64})
        : "memory");
  }
};
#endif

}  // namespace sightline
