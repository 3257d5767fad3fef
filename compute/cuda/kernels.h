// Launches of the CUDA kernels: what the .cu files offer to the backend. Plain and readable first;
// full float32, sums of norms in float64. Every pointer lies on the GPU; launches return at once.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace sightline::cuda {

// elements.cu. Operations as PointOp and GateOp number them.
void Pointwise(int op, float value, int64_t n, float* x, cudaStream_t stream);
void Gate(int op, const float* gate, const float* up, int64_t n, float* y, cudaStream_t stream);
void AddRows(const float* y, const float* gain, int64_t rows, int64_t c, float* x,
             cudaStream_t stream);
// y [M, N] += bias [N].
void AddBias(const float* bias, int64_t m, int64_t n, float* y, cudaStream_t stream);
void Affine(const float* x, const float* scale, const float* shift, int64_t rows, int64_t c,
            float* y, cudaStream_t stream);
void Rotate(const float* cosine, const float* sine, int64_t rows, int64_t stride, int64_t heads,
            int64_t d, float* x, cudaStream_t stream);

// norms.cu
void LayerNorm(const float* x, int64_t rows, int64_t c, const float* weight, const float* bias,
               float eps, float* y, cudaStream_t stream);
void RmsNorm(const float* x, int64_t rows, int64_t c, const float* weight, float eps, float* y,
             cudaStream_t stream);
// `moments` is room for two doubles.
void NormTogether(const float* x, int64_t rows, int64_t c, const float* weight, const float* bias,
                  float eps, double* moments, float* y, cudaStream_t stream);
void ColumnMoments(const float* x, int64_t rows, int64_t c, float* mean, float* variance,
                   cudaStream_t stream);

// rows.cu
void CopyBlock(const float* from, int64_t from_stride, int64_t rows, int64_t cols,
               int64_t to_stride, float* to, cudaStream_t stream);
void GatherRows(const float* x, int64_t c, const int32_t* rows, int64_t n, float* y,
                cudaStream_t stream);
void ScatterRows(const float* from, int64_t c, const int32_t* rows, int64_t n, float* y,
                 cudaStream_t stream);
void MixRows(const float* x, int64_t c, int64_t k, const int32_t* rows, const float* weights,
             int64_t n, float* y, cudaStream_t stream);
void Transpose(const float* x, int64_t rows, int64_t cols, float* y, cudaStream_t stream);

// maps.cu. A window over a map [H, W, C] -> [OH, OW, ...], rows from `first` on.
struct Window {
  int64_t h, w, c, oh, ow, first;
  int64_t kernel_h, kernel_w, stride_h, stride_w, padding;
};
void Patches(const float* x, const Window& window, float* y, cudaStream_t stream);
void Depthwise(const float* x, const Window& window, const float* taps, const float* bias, float* y,
               cudaStream_t stream);
void AveragePool(const float* x, const Window& window, float* y, cudaStream_t stream);

// attention.cu. Query entry i is row query[i]; it reads key_count[i] rows from keys[key_begin[i]]
// on. The rest as AttentionArgs; null where there is no bias, edit or tap.
struct Attention {
  int64_t entries;
  const int32_t* query;
  const int64_t* key_begin;
  const int32_t *key_count, *keys;
  const int32_t *head_first, *head_count;  // KV heads of each entry; null: all
  const float* q;
  int64_t q_stride;
  const float* const* k_pages;
  const float* const* v_pages;
  int64_t k_page_rows, v_page_rows, k_stride, v_stride;
  int64_t heads, kv_heads, d;
  float scale;
  const int32_t *bias_query, *bias_key;
  const float* bias;
  int64_t bias_entries;
  const uint8_t* key_class;
  int64_t classes;
  const float *gain, *edit_bias, *rescale, *head_gain;
  float* mass;  // [T, H, classes], zeroed
  float* out;
};
constexpr int64_t kMaxHeadWidth = 512;
void Attend(const Attention& attention, cudaStream_t stream);

}  // namespace sightline::cuda
