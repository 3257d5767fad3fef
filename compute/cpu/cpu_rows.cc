// Norms over several rows, and rows moved about.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "compute/cpu/cpu_backend.h"

namespace sightline {
namespace {

void CopyFloats(const float* from, int64_t n, float* to) {
  std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
}

}  // namespace

Status CpuOps::NormTogether(const float* x, int64_t rows, int64_t c, const NormView& n, float* y) {
  double mean = 0, var = 0;
  int64_t size = rows * c;
  for (int64_t i = 0; i < size; ++i) mean += x[i];
  mean /= static_cast<double>(size);
  for (int64_t i = 0; i < size; ++i) var += (x[i] - mean) * (x[i] - mean);
  double inv = 1 / std::sqrt(var / static_cast<double>(size) + n.eps);
  for (int64_t i = 0; i < size; ++i) {
    y[i] = static_cast<float>((x[i] - mean) * inv) * n.weight[i % c] + n.bias[i % c];
  }
  return absl::OkStatus();
}

Status CpuOps::ColumnMoments(const float* x, int64_t rows, int64_t c, float* mean,
                             float* variance) {
  std::vector<double> sum(static_cast<size_t>(c)), square(static_cast<size_t>(c));
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < c; ++j) sum[static_cast<size_t>(j)] += x[i * c + j];
  }
  for (double& s : sum) s /= static_cast<double>(rows);
  for (int64_t j = 0; j < c; ++j) mean[j] = static_cast<float>(sum[static_cast<size_t>(j)]);
  if (!variance) return absl::OkStatus();
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < c; ++j) {
      double d = x[i * c + j] - sum[static_cast<size_t>(j)];
      square[static_cast<size_t>(j)] += d * d;
    }
  }
  for (int64_t j = 0; j < c; ++j) {
    variance[j] = static_cast<float>(square[static_cast<size_t>(j)] / static_cast<double>(rows));
  }
  return absl::OkStatus();
}

Status CpuOps::CopyBlock(const Block2d& b, int64_t to_stride, float* to) {
  for (int64_t i = 0; i < b.rows; ++i) {
    CopyFloats(b.from + i * b.from_stride, b.cols, to + i * to_stride);
  }
  return absl::OkStatus();
}

Status CpuOps::GatherRows(const float* x, int64_t c, const std::vector<int32_t>& rows, float* y) {
  for (size_t i = 0; i < rows.size(); ++i, y += c) {
    if (rows[i] < 0) {
      std::fill_n(y, c, 0.0f);
    } else {
      CopyFloats(x + rows[i] * c, c, y);
    }
  }
  return absl::OkStatus();
}

Status CpuOps::ScatterRows(const float* from, int64_t c, const std::vector<int32_t>& rows,
                           float* y) {
  for (size_t i = 0; i < rows.size(); ++i, from += c) CopyFloats(from, c, y + rows[i] * c);
  return absl::OkStatus();
}

Status CpuOps::MixRows(const float* x, int64_t c, int64_t k, const std::vector<int32_t>& rows,
                       const std::vector<float>& weights, float* y) {
  auto n = static_cast<int64_t>(rows.size()) / k;
  for (int64_t i = 0; i < n; ++i, y += c) {
    std::fill_n(y, c, 0.0f);
    for (int64_t j = i * k; j < (i + 1) * k; ++j) {
      const float* from = x + rows[static_cast<size_t>(j)] * c;
      float weight = weights[static_cast<size_t>(j)];
      for (int64_t e = 0; e < c; ++e) y[e] += weight * from[e];
    }
  }
  return absl::OkStatus();
}

Status CpuOps::Transpose(const float* x, int64_t rows, int64_t cols, float* y) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) y[j * rows + i] = x[i * cols + j];
  }
  return absl::OkStatus();
}

}  // namespace sightline
