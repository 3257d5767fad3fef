// How kernels over elements and blocks are launched, and sums over a block.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>

namespace sightline::cuda {

constexpr int kThreads = 256;

inline unsigned BlocksFor(int64_t n) {
  return static_cast<unsigned>(
      std::clamp<int64_t>((n + kThreads - 1) / kThreads, 1, int64_t{1} << 20));
}

// for (i of this thread; i < n; ...)
#define SL_EACH(i, n)                                                                    \
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < (n); \
       i += static_cast<int64_t>(gridDim.x) * blockDim.x)

// Combines one value a thread, in a fixed order; every thread gets the result. blockDim.x is a
// power of two, at most 1024.
template <typename T, typename Op>
__device__ T OverBlock(T value, Op op) {
  __shared__ T part[1024];
  part[threadIdx.x] = value;
  __syncthreads();
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) part[threadIdx.x] = op(part[threadIdx.x], part[threadIdx.x + half]);
    __syncthreads();
  }
  T result = part[0];
  __syncthreads();
  return result;
}

struct Plus {
  template <typename T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Larger {
  __device__ float operator()(float a, float b) const { return a > b ? a : b; }
};

}  // namespace sightline::cuda
