// Windows over maps: one thread an output number.
#include "compute/cuda/kernels.h"
#include "compute/cuda/launch.cuh"

namespace sightline::cuda {
namespace {

// Where tap t of output pixel `at` (of the whole map) reads; below 0 outside.
__device__ int64_t Source(const Window& w, int64_t at, int64_t t) {
  int64_t y = at / w.ow * w.stride_h + t / w.kernel_w - w.padding;
  int64_t x = at % w.ow * w.stride_w + t % w.kernel_w - w.padding;
  return y < 0 || y >= w.h || x < 0 || x >= w.w ? -1 : y * w.w + x;
}

__global__ void PatchesKernel(const float* x, Window w, int64_t n, float* y) {
  int64_t taps = w.kernel_h * w.kernel_w;
  SL_EACH(i, n) {
    int64_t channel = i % w.c, t = i / w.c % taps, pixel = i / (w.c * taps);
    int64_t from = Source(w, w.first * w.ow + pixel, t);
    y[i] = from < 0 ? 0.0f : x[from * w.c + channel];
  }
}

__global__ void DepthwiseKernel(const float* x, Window w, const float* taps, const float* bias,
                                int64_t n, float* y) {
  SL_EACH(i, n) {
    int64_t channel = i % w.c;
    float sum = bias ? bias[channel] : 0.0f;
    for (int64_t t = 0; t < w.kernel_h * w.kernel_w; ++t) {
      int64_t from = Source(w, i / w.c, t);
      if (from >= 0) sum += x[from * w.c + channel] * taps[t * w.c + channel];
    }
    y[i] = sum;
  }
}

__global__ void AveragePoolKernel(const float* x, Window w, int64_t n, float* y) {
  SL_EACH(i, n) {
    float sum = 0;
    for (int64_t t = 0; t < w.kernel_h * w.kernel_w; ++t) {
      sum += x[Source(w, i / w.c, t) * w.c + i % w.c];
    }
    y[i] = sum / static_cast<float>(w.kernel_h * w.kernel_w);
  }
}

}  // namespace

void Patches(const float* x, const Window& w, float* y, cudaStream_t stream) {
  int64_t n = w.oh * w.ow * w.kernel_h * w.kernel_w * w.c;
  PatchesKernel<<<BlocksFor(n), kThreads, 0, stream>>>(x, w, n, y);
}

void Depthwise(const float* x, const Window& w, const float* taps, const float* bias, float* y,
               cudaStream_t stream) {
  int64_t n = w.oh * w.ow * w.c;
  DepthwiseKernel<<<BlocksFor(n), kThreads, 0, stream>>>(x, w, taps, bias, n, y);
}

void AveragePool(const float* x, const Window& w, float* y, cudaStream_t stream) {
  int64_t n = w.oh * w.ow * w.c;
  AveragePoolKernel<<<BlocksFor(n), kThreads, 0, stream>>>(x, w, n, y);
}

}  // namespace sightline::cuda
