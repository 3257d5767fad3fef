#include "compute/cuda/kernels.h"
#include "compute/cuda/launch.cuh"

namespace sightline::cuda {
namespace {

__global__ void CopyBlockKernel(const float* from, int64_t from_stride, int64_t rows, int64_t cols,
                                int64_t to_stride, float* to) {
  SL_EACH(i, rows * cols)
  to[i / cols * to_stride + i % cols] = from[i / cols * from_stride + i % cols];
}

__global__ void GatherRowsKernel(const float* x, int64_t c, const int32_t* rows, int64_t n,
                                 float* y) {
  SL_EACH(i, n * c) {
    int64_t row = rows[i / c];
    y[i] = row < 0 ? 0.0f : x[row * c + i % c];
  }
}

__global__ void ScatterRowsKernel(const float* from, int64_t c, const int32_t* rows, int64_t n,
                                  float* y) {
  SL_EACH(i, n * c) y[rows[i / c] * c + i % c] = from[i];
}

__global__ void MixRowsKernel(const float* x, int64_t c, int64_t k, const int32_t* rows,
                              const float* weights, int64_t n, float* y) {
  SL_EACH(i, n * c) {
    float sum = 0;
    for (int64_t j = i / c * k; j < (i / c + 1) * k; ++j) {
      sum += weights[j] * x[rows[j] * c + i % c];
    }
    y[i] = sum;
  }
}

__global__ void TransposeKernel(const float* x, int64_t rows, int64_t cols, float* y) {
  SL_EACH(i, rows * cols) y[i] = x[i % rows * cols + i / rows];
}

}  // namespace

void CopyBlock(const float* from, int64_t from_stride, int64_t rows, int64_t cols,
               int64_t to_stride, float* to, cudaStream_t stream) {
  CopyBlockKernel<<<BlocksFor(rows * cols), kThreads, 0, stream>>>(from, from_stride, rows, cols,
                                                                   to_stride, to);
}

void GatherRows(const float* x, int64_t c, const int32_t* rows, int64_t n, float* y,
                cudaStream_t stream) {
  GatherRowsKernel<<<BlocksFor(n * c), kThreads, 0, stream>>>(x, c, rows, n, y);
}

void ScatterRows(const float* from, int64_t c, const int32_t* rows, int64_t n, float* y,
                 cudaStream_t stream) {
  ScatterRowsKernel<<<BlocksFor(n * c), kThreads, 0, stream>>>(from, c, rows, n, y);
}

void MixRows(const float* x, int64_t c, int64_t k, const int32_t* rows, const float* weights,
             int64_t n, float* y, cudaStream_t stream) {
  MixRowsKernel<<<BlocksFor(n * c), kThreads, 0, stream>>>(x, c, k, rows, weights, n, y);
}

void Transpose(const float* x, int64_t rows, int64_t cols, float* y, cudaStream_t stream) {
  TransposeKernel<<<BlocksFor(rows * cols), kThreads, 0, stream>>>(x, rows, cols, y);
}

}  // namespace sightline::cuda
