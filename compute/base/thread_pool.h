// A fixed pool that splits index ranges. Results must not depend on the split: each index is
// computed by one thread alone.
#pragma once

#include <cstdint>
#include <functional>

namespace sightline {

// Sets the number of threads used by ParallelFor (at least 1) before first use; later calls are
// ignored.
void SetComputeThreads(int threads);
int ComputeThreads();
// Calls fn(begin, end) over disjoint parts of [0, n). Safe from several threads: a busy pool runs
// the caller's part inline, and so does a nested call. An exception of fn ends the loop early and
// reaches the caller.
void ParallelFor(int64_t n, int64_t grain,
                 const std::function<void(int64_t begin, int64_t end)>& fn);

}  // namespace sightline
