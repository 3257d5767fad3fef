#include "compute/cuda/kernels.h"
#include "compute/cuda/launch.cuh"

namespace sightline::cuda {
namespace {

__device__ float GeluTanh(float v) {
  return 0.5f * v * (1 + tanhf(0.7978845608f * (v + 0.044715f * v * v * v)));
}

// The order of PointOp.
__device__ float Point(int op, float value, float v) {
  switch (op) {
    case 0:
      return 0.5f * v * (1 + erff(v * 0.70710678f));
    case 1:
      return GeluTanh(v);
    case 2:
      return v / (1 + expf(-1.702f * v));
    case 3:
      return v > 0 ? v : 0;
    case 4:
      return 1 / (1 + expf(-v));
    case 5:
      return v * value;
    default:
      return value * tanhf(v / value);
  }
}

__global__ void PointwiseKernel(int op, float value, int64_t n, float* x) {
  SL_EACH(i, n) x[i] = Point(op, value, x[i]);
}

__global__ void GateKernel(int op, const float* gate, const float* up, int64_t n, float* y) {
  SL_EACH(i, n) {
    float g = gate[i];
    y[i] = (op == 0 ? g / (1 + expf(-g)) : GeluTanh(g)) * up[i];
  }
}

__global__ void AddRowsKernel(const float* y, const float* gain, int64_t n, int64_t c, float* x) {
  SL_EACH(i, n) x[i] += gain ? gain[i % c] * y[i] : y[i];
}

__global__ void AddBiasKernel(const float* bias, int64_t n, int64_t c, float* y) {
  SL_EACH(i, n) y[i] += bias[i % c];
}

__global__ void AffineKernel(const float* x, const float* scale, const float* shift, int64_t n,
                             int64_t c, float* y) {
  SL_EACH(i, n) y[i] = x[i] * scale[i % c] + (shift ? shift[i % c] : 0.0f);
}

__global__ void RotateKernel(const float* cosine, const float* sine, int64_t rows, int64_t stride,
                             int64_t heads, int64_t half, float* x) {
  SL_EACH(i, rows * heads * half) {
    int64_t pair = i % half, head = i / half % heads, row = i / (half * heads);
    float* p = x + row * stride + head * 2 * half + pair;
    float c = cosine[row * half + pair], s = sine[row * half + pair], a = p[0], b = p[half];
    p[0] = a * c - b * s;
    p[half] = b * c + a * s;
  }
}

}  // namespace

void Pointwise(int op, float value, int64_t n, float* x, cudaStream_t stream) {
  PointwiseKernel<<<BlocksFor(n), kThreads, 0, stream>>>(op, value, n, x);
}

void Gate(int op, const float* gate, const float* up, int64_t n, float* y, cudaStream_t stream) {
  GateKernel<<<BlocksFor(n), kThreads, 0, stream>>>(op, gate, up, n, y);
}

void AddRows(const float* y, const float* gain, int64_t rows, int64_t c, float* x,
             cudaStream_t stream) {
  AddRowsKernel<<<BlocksFor(rows * c), kThreads, 0, stream>>>(y, gain, rows * c, c, x);
}

void AddBias(const float* bias, int64_t m, int64_t n, float* y, cudaStream_t stream) {
  AddBiasKernel<<<BlocksFor(m * n), kThreads, 0, stream>>>(bias, m * n, n, y);
}

void Affine(const float* x, const float* scale, const float* shift, int64_t rows, int64_t c,
            float* y, cudaStream_t stream) {
  AffineKernel<<<BlocksFor(rows * c), kThreads, 0, stream>>>(x, scale, shift, rows * c, c, y);
}

void Rotate(const float* cosine, const float* sine, int64_t rows, int64_t stride, int64_t heads,
            int64_t d, float* x, cudaStream_t stream) {
  RotateKernel<<<BlocksFor(rows * heads * d / 2), kThreads, 0, stream>>>(cosine, sine, rows, stride,
                                                                         heads, d / 2, x);
}

}  // namespace sightline::cuda
