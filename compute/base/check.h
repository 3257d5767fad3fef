// SL_CHECK ends the process on a mistake of ours; never used on input.
#pragma once

#include <cstdio>
#include <cstdlib>

#define SL_CHECK(cond)                                                               \
  do {                                                                               \
    if (!(cond)) {                                                                   \
      std::fprintf(stderr, "check failed: %s (%s:%d)\n", #cond, __FILE__, __LINE__); \
      std::abort();                                                                  \
    }                                                                                \
  } while (0)
