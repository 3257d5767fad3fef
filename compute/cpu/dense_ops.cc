// The CPU's dense loops on host memory.
#include <oneapi/dnnl/dnnl.h>

#include <cmath>
#include <cstring>

#include "compute/base/thread_pool.h"
#include "compute/cpu/activations.h"
#include "compute/cpu/depthwise.h"
#include "compute/cpu/norms.h"
#include "compute/ops/ops.h"

namespace sightline {
namespace {

#ifdef __SANITIZE_THREAD__  // a clone is picked before the sanitizer is there, and ends the process
#define SL_CLONES
#else
#define SL_CLONES __attribute__((target_clones("avx2,fma", "default")))
#endif

// Four independent sums keep the additions of a dot product out of one dependency chain.
SL_CLONES float Dot(const float* a, const float* b, int64_t n) {
  float s[32] = {};
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    for (int k = 0; k < 32; ++k) s[k] += a[i + k] * b[i + k];
  }
  float sum = 0;
  for (; i < n; ++i) sum += a[i] * b[i];
  for (float v : s) sum += v;
  return sum;
}

}  // namespace

Status PackWeights(WeightChoice choice, Linear* layer) {
  if (layer->packed || layer->w.data.empty()) return absl::OkStatus();
  SL_ASSIGN_OR_RETURN(layer->packed, WeightMatrix::Pack(layer->w.data.data(), layer->w.rows(),
                                                        layer->w.cols(), choice));
  layer->w = Tensor();
  return absl::OkStatus();
}

void MatMul(const float* x, int64_t m, const Linear& layer, float* y) {
  if (layer.packed) {
    WeightJob job{layer.packed.get(), layer.bias.empty() ? nullptr : layer.bias.data(), y,
                  layer.packed->n()};
    return MatMul(x, layer.packed->k(), m, {&job, 1});
  }
  int64_t n = layer.w.shape[0], k = layer.w.shape[1];
  const float* bias = layer.bias.empty() ? nullptr : layer.bias.data();
  if (m == 1) {
    ParallelFor(n, 64, [&](int64_t b, int64_t e) {
      for (int64_t j = b; j < e; ++j) y[j] = Dot(x, layer.w.row(j), k) + (bias ? bias[j] : 0.0f);
    });
    return;
  }
  dnnl_status_t status =
      dnnl_sgemm('N', 'T', m, n, k, 1.0f, x, k, layer.w.data.data(), k, 0.0f, y, n);
  SL_CHECK(status == dnnl_success);
  if (!bias) return;
  ParallelFor(m, 64, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      for (int64_t j = 0; j < n; ++j) y[i * n + j] += bias[j];
    }
  });
}

void LayerNorm(const float* x, int64_t rows, int64_t c, const float* weight, const float* bias,
               float eps, float* y) {
  ParallelFor(rows, 16, [&](int64_t b, int64_t e) {
    LayerNormRows(x + b * c, e - b, c, weight, bias, eps, y + b * c);
  });
}

void RmsNorm(const float* x, int64_t rows, int64_t c, const float* weight, float eps, float* y) {
  ParallelFor(rows, 16, [&](int64_t b, int64_t e) {
    RmsNormRows(x + b * c, e - b, c, weight, eps, y + b * c);
  });
}

void GeluInPlace(float* x, int64_t n) {
  ParallelFor(n, 4096, [&](int64_t b, int64_t e) {
    ActivateSpan(ActivationKind::kGelu, x + b, e - b, x + b);
  });
}

void SiluMul(const float* gate, const float* up, int64_t n, float* y) {
  ParallelFor(n, 4096, [&](int64_t b, int64_t e) {
    ActivateGated(ActivationKind::kSilu, gate + b, up + b, e - b, y + b);
  });
}

void AddInPlace(float* x, const float* y, int64_t n) {
  ParallelFor(n, 1 << 15, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) x[i] += y[i];
  });
}

void Rope(float* x, int64_t rows, int64_t heads, int64_t d, const int32_t* positions, float theta) {
  int64_t half = d / 2;
  std::vector<float> cs(static_cast<size_t>(half)), sn(static_cast<size_t>(half));
  for (int64_t t = 0; t < rows; ++t) {
    for (int64_t i = 0; i < half; ++i) {
      double angle =
          positions[t] * std::pow(static_cast<double>(theta),
                                  -2.0 * static_cast<double>(i) / static_cast<double>(d));
      cs[static_cast<size_t>(i)] = static_cast<float>(std::cos(angle));
      sn[static_cast<size_t>(i)] = static_cast<float>(std::sin(angle));
    }
    for (int64_t h = 0; h < heads; ++h) {
      float* p = x + (t * heads + h) * d;
      for (int64_t i = 0; i < half; ++i) {
        float a = p[i], b = p[i + half], c = cs[static_cast<size_t>(i)],
              s = sn[static_cast<size_t>(i)];
        p[i] = a * c - b * s;
        p[i + half] = b * c + a * s;
      }
    }
  }
}

void DepthwiseConv(const float* x, int64_t h, int64_t w, int64_t c, int k, const float* weight,
                   const float* bias, bool accumulate, float* y) {
  DepthwiseJob job{x, h, w, c, k, 1, k / 2, weight, bias, accumulate, h, w, y};
  ParallelFor(h, 1, [&](int64_t b, int64_t e) { DepthwiseRows(job, b, e); });
}

}  // namespace sightline
