#include "compute/ops/shape_ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compute/base/check.h"
#include "compute/base/thread_pool.h"

namespace sightline {
namespace {

void CopyFloats(const float* from, int64_t n, float* to) {
  std::memcpy(to, from, static_cast<size_t>(n) * sizeof(float));
}

std::vector<int64_t> WithCols(const Tensor& x, int64_t cols) {
  std::vector<int64_t> shape = x.shape;
  shape.back() = cols;
  return shape;
}

// Rows of an h x w map read from one of sh x sw; -1 outside.
std::vector<int32_t> MapRows(int64_t sh, int64_t sw, int64_t h, int64_t w) {
  std::vector<int32_t> rows;
  rows.reserve(static_cast<size_t>(h * w));
  for (int64_t y = 0; y < h; ++y) {
    for (int64_t x = 0; x < w; ++x) {
      rows.push_back(y < sh && x < sw ? static_cast<int32_t>(y * sw + x) : -1);
    }
  }
  return rows;
}

Tensor Remapped(const Tensor& x, int64_t h, int64_t w) {
  if (x.shape[0] == h && x.shape[1] == w) return x;
  return Reshaped(GatherRows(x, MapRows(x.shape[0], x.shape[1], h, w)), {h, w, x.cols()});
}

}  // namespace

Tensor Reshaped(Tensor x, std::vector<int64_t> shape) {
  SL_CHECK(Tensor::Count(shape) == Tensor::Count(x.shape));
  x.shape = std::move(shape);
  return x;
}

Tensor Columns(const Tensor& x, int64_t first, int64_t count) {
  SL_CHECK(first >= 0 && count > 0 && first + count <= x.cols());
  Tensor y(WithCols(x, count));
  for (int64_t i = 0; i < x.rows(); ++i) CopyFloats(x.row(i) + first, count, y.row(i));
  return y;
}

Tensor JoinColumns(const Tensor& a, const Tensor& b) {
  SL_CHECK(a.rows() == b.rows());
  Tensor y(WithCols(a, a.cols() + b.cols()));
  for (int64_t i = 0; i < a.rows(); ++i) {
    CopyFloats(a.row(i), a.cols(), y.row(i));
    CopyFloats(b.row(i), b.cols(), y.row(i) + a.cols());
  }
  return y;
}

Tensor Rows(const Tensor& x, int64_t first, int64_t count) {
  SL_CHECK(first >= 0 && count > 0 && first + count <= x.rows());
  Tensor y({count, x.cols()});
  CopyFloats(x.row(first), count * x.cols(), y.data.data());
  return y;
}

Tensor JoinRows(const Tensor& a, const Tensor& b) {
  SL_CHECK(a.cols() == b.cols());
  Tensor y({a.rows() + b.rows(), a.cols()});
  CopyFloats(a.data.data(), a.rows() * a.cols(), y.data.data());
  CopyFloats(b.data.data(), b.rows() * b.cols(), y.row(a.rows()));
  return y;
}

Tensor GatherRows(const Tensor& x, const std::vector<int32_t>& rows) {
  Tensor y({static_cast<int64_t>(rows.size()), x.cols()});
  for (size_t i = 0; i < rows.size(); ++i) {
    SL_CHECK(rows[i] >= -1 && rows[i] < x.rows());
    if (rows[i] >= 0) CopyFloats(x.row(rows[i]), x.cols(), y.row(static_cast<int64_t>(i)));
  }
  return y;
}

void ScatterRows(const Tensor& from, const std::vector<int32_t>& rows, Tensor* x) {
  SL_CHECK(from.cols() == x->cols() && from.rows() == static_cast<int64_t>(rows.size()));
  for (size_t i = 0; i < rows.size(); ++i) {
    SL_CHECK(rows[i] >= 0 && rows[i] < x->rows());
    CopyFloats(from.row(static_cast<int64_t>(i)), x->cols(), x->row(rows[i]));
  }
}

Tensor Transposed(const Tensor& x) {
  Tensor y({x.cols(), x.rows()});
  for (int64_t i = 0; i < x.rows(); ++i) {
    for (int64_t j = 0; j < x.cols(); ++j) y.row(j)[i] = x.row(i)[j];
  }
  return y;
}

Tensor PadMap(const Tensor& x, int64_t h, int64_t w) {
  SL_CHECK(h >= x.shape[0] && w >= x.shape[1]);
  return Remapped(x, h, w);
}

Tensor CropMap(const Tensor& x, int64_t h, int64_t w) {
  SL_CHECK(h <= x.shape[0] && w <= x.shape[1]);
  return Remapped(x, h, w);
}

Tensor PlanesToMap(const Tensor& p) {
  int64_t c = p.shape[0], h = p.shape[1], w = p.shape[2];
  return Reshaped(Transposed(Reshaped(p, {c, h * w})), {h, w, c});
}

Tensor MapToPlanes(const Tensor& m) {
  int64_t h = m.shape[0], w = m.shape[1], c = m.shape[2];
  return Reshaped(Transposed(Reshaped(m, {h * w, c})), {c, h, w});
}

void Add(Tensor* x, const Tensor& y, const Tensor& gain) {
  SL_CHECK(x->data.size() == y.data.size());
  if (gain.data.empty()) {
    AddInPlace(x->data.data(), y.data.data(), static_cast<int64_t>(y.data.size()));
    return;
  }
  SL_CHECK(gain.cols() == x->cols());
  for (int64_t i = 0; i < x->rows(); ++i) {
    float* to = x->row(i);
    const float* from = y.data.data() + i * x->cols();
    for (int64_t j = 0; j < x->cols(); ++j) to[j] += gain.data[static_cast<size_t>(j)] * from[j];
  }
}

void ScaleColumns(Tensor* x, const Tensor& gain) {
  SL_CHECK(static_cast<int64_t>(gain.data.size()) == x->cols());
  for (int64_t i = 0; i < x->rows(); ++i) {
    float* row = x->row(i);
    for (int64_t j = 0; j < x->cols(); ++j) row[j] *= gain.data[static_cast<size_t>(j)];
  }
}

void Scale(Tensor* x, float gain) {
  for (float& v : x->data) v *= gain;
}

void Gelu(Tensor* x) { GeluInPlace(x->data.data(), static_cast<int64_t>(x->data.size())); }

void Relu(Tensor* x) {
  for (float& v : x->data) v = std::max(v, 0.0f);
}

void Sigmoid(Tensor* x) {
  for (float& v : x->data) v = 1 / (1 + std::exp(-v));
}

Tensor Normalise(const Tensor& x, const NormWeights& n) {
  SL_CHECK(n.weight.cols() == x.cols());
  Tensor y(x.shape);
  LayerNorm(x.data.data(), x.rows(), x.cols(), n.weight.data.data(), n.bias.data.data(), n.eps,
            y.data.data());
  return y;
}

Tensor NormaliseTogether(const Tensor& x, const NormWeights& n) {
  double mean = 0, var = 0;
  for (float v : x.data) mean += v;
  mean /= static_cast<double>(x.data.size());
  for (float v : x.data) var += (v - mean) * (v - mean);
  double inv = 1 / std::sqrt(var / static_cast<double>(x.data.size()) + n.eps);
  Tensor y(x.shape);
  auto c = static_cast<size_t>(x.cols());
  for (size_t i = 0; i < x.data.size(); ++i) {
    y.data[i] =
        static_cast<float>((x.data[i] - mean) * inv) * n.weight.data[i % c] + n.bias.data[i % c];
  }
  return y;
}

Tensor MeanRows(const Tensor& x) {
  std::vector<double> sum(static_cast<size_t>(x.cols()));
  for (int64_t i = 0; i < x.rows(); ++i) {
    for (size_t j = 0; j < sum.size(); ++j) sum[j] += x.row(i)[j];
  }
  Tensor y({1, x.cols()});
  for (size_t j = 0; j < sum.size(); ++j)
    y.data[j] = static_cast<float>(sum[j] / static_cast<double>(x.rows()));
  return y;
}

Tensor Product(const Tensor& a, const Tensor& b) {
  SL_CHECK(a.cols() == b.cols());
  return Apply(a, Linear{b, {}});
}

Tensor FromHost(std::vector<float> values, std::vector<int64_t> shape) {
  SL_CHECK(Tensor::Count(shape) == static_cast<int64_t>(values.size()));
  Tensor x;
  x.shape = std::move(shape);
  x.data = std::move(values);
  return x;
}

std::vector<float> HostValues(const Tensor& x) { return x.data; }

}  // namespace sightline
