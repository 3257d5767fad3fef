#include "compute/ops/decoder_ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compute/base/thread_pool.h"

namespace sightline {
namespace {

// Columns that one loop covers. Vector loops round differently from the scalar loop that ends them,
// so an element's loop must not depend on how many rows there are or on how they are split.
constexpr int64_t kColumns = 1024;

// Calls fn(offset, n) for parts of rows of c numbers.
template <class Fn>
void ForParts(int64_t rows, int64_t c, const Fn& fn) {
  int64_t parts = (c + kColumns - 1) / kColumns;
  ParallelFor(rows * parts, 4, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; ++i) {
      int64_t first = i % parts * kColumns;
      fn(i / parts * c + first, std::min(kColumns, c - first));
    }
  });
}

void SiluRow(float* gate, const float* up, int64_t n) {
  for (int64_t i = 0; i < n; ++i) gate[i] = gate[i] / (1 + std::exp(-gate[i])) * up[i];
}

void GeluTanhRow(float* gate, const float* up, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    float g = gate[i], t = std::tanh(0.7978845608f * (g + 0.044715f * g * g * g));
    gate[i] = 0.5f * g * (1 + t) * up[i];
  }
}

void CopyRows(const Tensor& from, int64_t first, int64_t count, float* to) {
  std::memcpy(to, from.row(first), static_cast<size_t>(count * from.cols()) * sizeof(float));
}

}  // namespace

Tensor EmbedRows(const Linear& table, const std::vector<int32_t>& ids, float scale) {
  Tensor x({static_cast<int64_t>(ids.size()), table.w.cols()});
  for (size_t i = 0; i < ids.size(); ++i) {
    SL_CHECK(ids[i] >= 0 && ids[i] < table.w.rows());
    CopyRows(table.w, ids[i], 1, x.row(static_cast<int64_t>(i)));
  }
  if (scale != 1) {
    for (float& v : x.data) v *= scale;
  }
  return x;
}

Tensor RmsNormalise(const Tensor& x, const std::vector<float>& weight, float eps) {
  auto c = static_cast<int64_t>(weight.size());
  SL_CHECK(c > 0 && x.cols() % c == 0);
  Tensor y(x.shape);
  int64_t runs = x.cols() / c;
  ParallelFor(x.rows(), 16, [&](int64_t b, int64_t e) {
    RmsNorm(x.row(b), (e - b) * runs, c, weight.data(), eps, y.row(b));
  });
  return y;
}

Tensor LayerNormalise(const Tensor& x, const std::vector<float>& weight,
                      const std::vector<float>& bias, float eps) {
  auto c = static_cast<int64_t>(weight.size());
  SL_CHECK(c > 0 && x.cols() % c == 0 && bias.size() == weight.size());
  Tensor y(x.shape);
  LayerNorm(x.data.data(), x.rows() * (x.cols() / c), c, weight.data(), bias.data(), eps,
            y.data.data());
  return y;
}

Tensor GatedSilu(Tensor gate, const Tensor& up) {
  SL_CHECK(gate.shape == up.shape);
  ForParts(gate.rows(), gate.cols(), [&](int64_t at, int64_t n) {
    SiluRow(&gate.data[static_cast<size_t>(at)], &up.data[static_cast<size_t>(at)], n);
  });
  return gate;
}

Tensor GatedGeluTanh(Tensor gate, const Tensor& up) {
  SL_CHECK(gate.shape == up.shape);
  ForParts(gate.rows(), gate.cols(), [&](int64_t at, int64_t n) {
    GeluTanhRow(&gate.data[static_cast<size_t>(at)], &up.data[static_cast<size_t>(at)], n);
  });
  return gate;
}

void RotateRows(Tensor* x, int64_t heads, const RowAngles& angles) {
  int64_t d = x->cols() / heads, half = d / 2;
  SL_CHECK(x->cols() == heads * d && angles.cosine.cols() == half &&
           angles.cosine.rows() == x->rows());
  ParallelFor(x->rows(), 16, [&](int64_t b, int64_t e) {
    for (int64_t t = b; t < e; ++t) {
      const float *c = angles.cosine.row(t), *s = angles.sine.row(t);
      for (float *p = x->row(t), *end = p + heads * d; p < end; p += d) {
        for (int64_t i = 0; i < half; ++i) {
          float low = p[i], high = p[i + half];
          p[i] = low * c[i] - high * s[i];
          p[i + half] = high * c[i] + low * s[i];
        }
      }
    }
  });
}

void AddRows(Tensor* x, int64_t first, const Tensor& y) {
  SL_CHECK(x->cols() == y.cols() && first + y.rows() <= x->rows());
  AddInPlace(x->row(first), y.data.data(), static_cast<int64_t>(y.data.size()));
}

void CapInPlace(Tensor* x, float cap) {
  ForParts(x->rows(), x->cols(), [&](int64_t at, int64_t n) {
    float* p = &x->data[static_cast<size_t>(at)];
    for (int64_t i = 0; i < n; ++i) p[i] = cap * std::tanh(p[i] / cap);
  });
}

Tensor ConcatRows(std::vector<Tensor> parts) {
  SL_CHECK(!parts.empty());
  if (parts.size() == 1) return std::move(parts[0]);
  int64_t rows = 0, at = 0;
  for (const Tensor& p : parts) rows += p.rows();
  Tensor y({rows, parts[0].cols()});
  for (const Tensor& p : parts) {
    SL_CHECK(p.cols() == y.cols());
    CopyRows(p, 0, p.rows(), y.row(at));
    at += p.rows();
  }
  return y;
}

Tensor RowsOf(const Tensor& x, int64_t first, int64_t count) {
  SL_CHECK(first >= 0 && first + count <= x.rows());
  Tensor y({count, x.cols()});
  CopyRows(x, first, count, y.data.data());
  return y;
}

Tensor GatherRows(const Tensor& x, const std::vector<int64_t>& rows) {
  Tensor y({static_cast<int64_t>(rows.size()), x.cols()});
  for (size_t i = 0; i < rows.size(); ++i) {
    SL_CHECK(rows[i] >= 0 && rows[i] < x.rows());
    CopyRows(x, rows[i], 1, y.row(static_cast<int64_t>(i)));
  }
  return y;
}

}  // namespace sightline
