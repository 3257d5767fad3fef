// softmax(scale q k^T + bias, edited) v over listed keys: one block a query row and head, the keys
// passed over twice (largest logit and sum, then weights and output).
#include "compute/cuda/kernels.h"
#include "compute/cuda/launch.cuh"

namespace sightline::cuda {
namespace {

constexpr int kBlock = 128;
constexpr int kPerThread = static_cast<int>(kMaxHeadWidth) / kBlock;  // channels of the output

__device__ const float* RowOf(const float* const* pages, int64_t page_rows, int64_t stride,
                              int32_t row) {
  return pages[row / page_rows] + row % page_rows * stride;
}

__device__ float Logit(const Attention& a, const float* q, int64_t head, int32_t t, int32_t row) {
  const float* key =
      RowOf(a.k_pages, a.k_page_rows, a.k_stride, row) + head * a.kv_heads / a.heads * a.d;
  float sum = 0;
  for (int64_t i = 0; i < a.d; ++i) sum += q[i] * key[i];
  sum *= a.scale;
  if (a.bias) {
    int32_t at = a.bias_query[t] + a.bias_key[row];
    if (at >= 0) sum += a.bias[head * a.bias_entries + at];
  }
  if (a.key_class) {
    int64_t at = head * a.classes + a.key_class[row];
    if (a.gain) sum *= a.gain[at];
    if (a.edit_bias) sum += a.edit_bias[at];
  }
  return sum;
}

__global__ void AttendKernel(Attention a) {
  __shared__ float q[kMaxHeadWidth], weight[kBlock];
  int64_t head = blockIdx.y, group = head * a.kv_heads / a.heads;
  if (a.head_first) {
    int64_t within = group - a.head_first[blockIdx.x];
    if (within < 0 || within >= a.head_count[blockIdx.x]) return;
  }
  int32_t t = a.query[blockIdx.x], count = a.key_count[blockIdx.x];
  const int32_t* keys = a.keys + a.key_begin[blockIdx.x];
  for (int64_t i = threadIdx.x; i < a.d; i += kBlock) q[i] = a.q[t * a.q_stride + head * a.d + i];
  __syncthreads();

  float top = -INFINITY, total = 0;
  for (int32_t j = threadIdx.x; j < count; j += kBlock) {
    float logit = Logit(a, q, head, t, keys[j]), larger = fmaxf(top, logit);
    total = total * expf(top - larger) + expf(logit - larger);
    top = larger;
  }
  float most = OverBlock(top, Larger());
  total = OverBlock(top == -INFINITY ? 0.0f : total * expf(top - most), Plus());

  float out[kPerThread] = {};
  for (int32_t first = 0; first < count; first += kBlock) {
    int32_t n = min(kBlock, count - first);
    if (threadIdx.x < n) {
      weight[threadIdx.x] = expf(Logit(a, q, head, t, keys[first + threadIdx.x]) - most) / total;
    }
    __syncthreads();
    if (a.mass) {  // each thread sums classes of its own, in the order of the keys
      for (int64_t c = threadIdx.x; c < a.classes; c += kBlock) {
        float sum = 0;
        for (int32_t j = 0; j < n; ++j) {
          if (a.key_class[keys[first + j]] == c) sum += weight[j];
        }
        a.mass[(t * a.heads + head) * a.classes + c] += sum;
      }
      __syncthreads();
    }
    if (a.rescale && threadIdx.x < n) {
      weight[threadIdx.x] *= a.rescale[head * a.classes + a.key_class[keys[first + threadIdx.x]]];
    }
    __syncthreads();
    for (int32_t j = 0; j < n; ++j) {
      const float* value =
          RowOf(a.v_pages, a.v_page_rows, a.v_stride, keys[first + j]) + group * a.d;
#pragma unroll
      for (int p = 0; p < kPerThread; ++p) {
        int64_t i = threadIdx.x + p * kBlock;
        if (i < a.d) out[p] += weight[j] * value[i];
      }
    }
    __syncthreads();
  }
  float gain = a.head_gain ? a.head_gain[head] : 1.0f;
#pragma unroll
  for (int p = 0; p < kPerThread; ++p) {
    int64_t i = threadIdx.x + p * kBlock;
    if (i < a.d) a.out[(t * a.heads + head) * a.d + i] = out[p] * gain;
  }
}

}  // namespace

void Attend(const Attention& a, cudaStream_t stream) {
  dim3 grid(static_cast<unsigned>(a.entries), static_cast<unsigned>(a.heads));
  AttendKernel<<<grid, kBlock, 0, stream>>>(a);
}

}  // namespace sightline::cuda
