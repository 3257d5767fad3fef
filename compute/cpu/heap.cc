#include "compute/cpu/heap.h"

#include <cstdlib>  // __GLIBC__

#if defined(__GLIBC__) && __has_include(<malloc.h>)
#include <malloc.h>
#endif

namespace sightline {

void KeepTensorsInHeap() {
#if defined(__GLIBC__) && __has_include(<malloc.h>)
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
}

}  // namespace sightline
