// One parallel loop over the parts of several jobs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "compute/base/thread_pool.h"

namespace sightline {

// Calls fn(job, begin, end) over disjoint ranges of each job's units, `sizes[job]` of them.
template <class Fn>
void ForUnits(const std::vector<int64_t>& sizes, int64_t grain, const Fn& fn) {
  int64_t total = 0;
  for (int64_t n : sizes) total += n;
  ParallelFor(total, grain, [&](int64_t begin, int64_t end) {
    int64_t start = 0;
    for (size_t j = 0; j < sizes.size(); start += sizes[j++]) {
      int64_t b = std::max(begin - start, int64_t{0}), e = std::min(end - start, sizes[j]);
      if (b < e) fn(j, b, e);
    }
  });
}

}  // namespace sightline
