// One block a row, or a column of moments.
#include "compute/cuda/kernels.h"
#include "compute/cuda/launch.cuh"

namespace sightline::cuda {
namespace {

// Sum over x[i * step], i < n, of (x - centre), squared if asked.
__device__ double SumOf(const float* x, int64_t n, int64_t step, double centre, bool squared) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < n; i += blockDim.x) {
    double d = x[i * step] - centre;
    sum += squared ? d * d : d;
  }
  return OverBlock(sum, Plus());
}

__global__ void LayerNormKernel(const float* x, int64_t c, const float* weight, const float* bias,
                                float eps, float* y) {
  const float* row = x + blockIdx.x * c;
  double mean = SumOf(row, c, 1, 0, false) / c;
  double variance = SumOf(row, c, 1, mean, true) / c;
  float inverse = static_cast<float>(1 / sqrt(variance + eps)), m = static_cast<float>(mean);
  for (int64_t i = threadIdx.x; i < c; i += blockDim.x) {
    y[blockIdx.x * c + i] = (row[i] - m) * inverse * weight[i] + bias[i];
  }
}

__global__ void RmsNormKernel(const float* x, int64_t c, const float* weight, float eps, float* y) {
  const float* row = x + blockIdx.x * c;
  float inverse = static_cast<float>(1 / sqrt(SumOf(row, c, 1, 0, true) / c + eps));
  for (int64_t i = threadIdx.x; i < c; i += blockDim.x) {
    y[blockIdx.x * c + i] = row[i] * inverse * weight[i];
  }
}

__global__ void MomentsKernel(const float* x, int64_t n, float eps, double* moments) {
  double mean = SumOf(x, n, 1, 0, false) / n;
  double variance = SumOf(x, n, 1, mean, true) / n;
  if (threadIdx.x == 0) {
    moments[0] = mean;
    moments[1] = 1 / sqrt(variance + eps);
  }
}

__global__ void NormTogetherKernel(const float* x, int64_t n, int64_t c, const float* weight,
                                   const float* bias, const double* moments, float* y) {
  SL_EACH(i, n) {
    y[i] = static_cast<float>((x[i] - moments[0]) * moments[1]) * weight[i % c] + bias[i % c];
  }
}

__global__ void ColumnMomentsKernel(const float* x, int64_t rows, int64_t c, float* mean,
                                    float* variance) {
  const float* column = x + blockIdx.x;
  double m = SumOf(column, rows, c, 0, false) / rows;
  if (threadIdx.x == 0) mean[blockIdx.x] = static_cast<float>(m);
  if (!variance) return;
  double v = SumOf(column, rows, c, m, true) / rows;
  if (threadIdx.x == 0) variance[blockIdx.x] = static_cast<float>(v);
}

}  // namespace

void LayerNorm(const float* x, int64_t rows, int64_t c, const float* weight, const float* bias,
               float eps, float* y, cudaStream_t stream) {
  LayerNormKernel<<<static_cast<unsigned>(rows), kThreads, 0, stream>>>(x, c, weight, bias, eps, y);
}

void RmsNorm(const float* x, int64_t rows, int64_t c, const float* weight, float eps, float* y,
             cudaStream_t stream) {
  RmsNormKernel<<<static_cast<unsigned>(rows), kThreads, 0, stream>>>(x, c, weight, eps, y);
}

void NormTogether(const float* x, int64_t rows, int64_t c, const float* weight, const float* bias,
                  float eps, double* moments, float* y, cudaStream_t stream) {
  MomentsKernel<<<1, 1024, 0, stream>>>(x, rows * c, eps, moments);
  NormTogetherKernel<<<BlocksFor(rows * c), kThreads, 0, stream>>>(x, rows * c, c, weight, bias,
                                                                   moments, y);
}

void ColumnMoments(const float* x, int64_t rows, int64_t c, float* mean, float* variance,
                   cudaStream_t stream) {
  ColumnMomentsKernel<<<static_cast<unsigned>(c), kThreads, 0, stream>>>(x, rows, c, mean,
                                                                         variance);
}

}  // namespace sightline::cuda
