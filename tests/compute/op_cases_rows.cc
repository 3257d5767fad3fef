// Products, norms, elements, rows.
#include <algorithm>

#include "tests/compute/op_cases.h"

namespace sightline {
namespace {

using Doubles = std::vector<double>;
using Floats = std::vector<float>;

Doubles Wide(const Floats& v) { return {v.begin(), v.end()}; }
size_t At(int64_t i) { return static_cast<size_t>(i); }

std::vector<int32_t> RandomRows(int64_t n, int64_t rows, int32_t least, Rng& rng) {
  std::vector<int32_t> out;
  for (int64_t i = 0; i < n; ++i)
    out.push_back(static_cast<int32_t>(Between(least, rows - 1, rng)));
  return out;
}

StatusOr<double> MatMulCase(Lab& lab, Rng& rng) {
  int64_t m = Between(0, 3, rng) ? Between(2, 70, rng) : 1, n = Between(1, 130, rng),
          k = Between(1, 200, rng);
  Floats x = Normal(m * k, rng), w = Normal(n * k, rng), b = Normal(n, rng);
  bool biased = Between(0, 1, rng) == 1;
  Doubles want(At(m * n));
  for (int64_t i = 0; i < m * n; ++i) {
    double sum = biased ? b[At(i % n)] : 0;
    for (int64_t j = 0; j < k; ++j)
      sum += static_cast<double>(x[At(i / n * k + j)]) * w[At(i % n * k + j)];
    want[At(i)] = sum;
  }
  float* y = lab.Out(m * n);
  Linear layer = lab.Layer(w, biased ? b : Floats(), n, k);
  SL_RETURN_IF_ERROR(lab.backend().MatMul(lab.In(x), m, layer, y));
  return lab.Error(y, want);
}

// What a norm does to numbers first, first + 1, ...: subtract, then multiply.
struct Spread {
  double mean = 0, inverse = 1;
  Spread(const float* x, int64_t n, bool centred, float eps) {
    double square = 0;
    for (int64_t i = 0; centred && i < n; ++i) mean += x[i] / static_cast<double>(n);
    for (int64_t i = 0; i < n; ++i) square += (x[i] - mean) * (x[i] - mean);
    inverse = 1 / std::sqrt(square / static_cast<double>(n) + eps);
  }
};

enum class NormKind { kLayer, kRms, kTogether };

StatusOr<double> NormCase(NormKind kind, Lab& lab, Rng& rng) {
  int64_t rows = Between(1, 40, rng), c = Between(1, 600, rng);
  Floats x = Normal(rows * c, rng, 3), w = Normal(c, rng), b = Normal(c, rng);
  for (float& v : x) v += 2;
  float eps = 1e-5f;
  Doubles want(x.size());
  for (int64_t i = 0; i < rows; ++i) {
    Spread s = kind == NormKind::kTogether
                   ? Spread(x.data(), rows * c, true, eps)
                   : Spread(&x[At(i * c)], c, kind == NormKind::kLayer, eps);
    for (int64_t j = 0; j < c; ++j) {
      want[At(i * c + j)] = (x[At(i * c + j)] - s.mean) * s.inverse * w[At(j)] +
                            (kind == NormKind::kRms ? 0 : b[At(j)]);
    }
  }
  float* y = lab.Out(rows * c);
  const float* in = lab.In(x);
  NormView norm{lab.In(w), lab.In(b), eps};
  Backend& on = lab.backend();
  SL_RETURN_IF_ERROR(kind == NormKind::kLayer ? on.LayerNorm(in, rows, c, norm, y)
                     : kind == NormKind::kRms ? on.RmsNorm(in, rows, c, norm, y)
                                              : on.NormTogether(in, rows, c, norm, y));
  return lab.Error(y, want);
}

StatusOr<double> MomentsCase(Lab& lab, Rng& rng) {
  int64_t rows = Between(1, 500, rng), c = Between(1, 60, rng);
  Floats x = Normal(rows * c, rng);
  Doubles want(At(2 * c));
  for (int64_t j = 0; j < c; ++j) {
    double mean = 0, square = 0;
    for (int64_t i = 0; i < rows; ++i) mean += x[At(i * c + j)] / static_cast<double>(rows);
    for (int64_t i = 0; i < rows; ++i) square += std::pow(x[At(i * c + j)] - mean, 2);
    want[At(j)] = mean;
    want[At(c + j)] = square / static_cast<double>(rows);
  }
  float* y = lab.Out(2 * c);
  SL_RETURN_IF_ERROR(lab.backend().ColumnMoments(lab.In(x), rows, c, y, y + c));
  return lab.Error(y, want);
}

double GeluTanh(double v) {
  return 0.5 * v * (1 + std::tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)));
}

double Point(PointOp op, double value, double v) {
  switch (op) {
    case PointOp::kGelu:
      return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0)));
    case PointOp::kGeluTanh:
      return GeluTanh(v);
    case PointOp::kQuickGelu:
      return v / (1 + std::exp(-1.702 * v));
    case PointOp::kRelu:
      return v > 0 ? v : 0;
    case PointOp::kSigmoid:
      return 1 / (1 + std::exp(-v));
    case PointOp::kScale:
      return v * value;
    case PointOp::kCap:
      return value * std::tanh(v / value);
  }
  return NAN;
}

StatusOr<double> PointCase(PointOp op, Lab& lab, Rng& rng) {
  int64_t rows = Between(1, 20, rng), c = Between(1, 2500, rng), n = rows * c;
  Floats x = Normal(n, rng, 3);
  float value = 1.5f + static_cast<float>(Between(0, 8, rng));
  Doubles want;
  for (float v : x) want.push_back(Point(op, value, v));
  float* y = lab.InOut(x);
  SL_RETURN_IF_ERROR(lab.backend().Pointwise(op, value, rows, c, y));
  return lab.Error(y, want);
}

StatusOr<double> GateCase(GateOp op, Lab& lab, Rng& rng) {
  int64_t rows = Between(1, 20, rng), c = Between(1, 2500, rng), n = rows * c;
  Floats gate = Normal(n, rng, 3), up = Normal(n, rng);
  Doubles want;
  for (int64_t i = 0; i < n; ++i) {
    double g = gate[At(i)];
    want.push_back((op == GateOp::kSilu ? g / (1 + std::exp(-g)) : GeluTanh(g)) * up[At(i)]);
  }
  float* y = lab.Out(n);
  SL_RETURN_IF_ERROR(lab.backend().Gate(op, lab.In(gate), lab.In(up), rows, c, y));
  return lab.Error(y, want);
}

StatusOr<double> AddRowsCase(Lab& lab, Rng& rng) {
  int64_t rows = Between(1, 50, rng), c = Between(1, 90, rng);
  Floats x = Normal(rows * c, rng), y = Normal(rows * c, rng), gain = Normal(c, rng);
  bool gained = Between(0, 1, rng) == 1;
  Doubles want = Wide(x);
  for (int64_t i = 0; i < rows * c; ++i) {
    want[At(i)] += (gained ? static_cast<double>(gain[At(i % c)]) : 1) * y[At(i)];
  }
  float* out = lab.InOut(x);
  SL_RETURN_IF_ERROR(
      lab.backend().AddRows(lab.In(y), gained ? lab.In(gain) : nullptr, rows, c, out));
  return lab.Error(out, want);
}

StatusOr<double> AffineCase(Lab& lab, Rng& rng) {
  int64_t rows = Between(1, 50, rng), c = Between(1, 90, rng);
  Floats x = Normal(rows * c, rng), scale = Normal(c, rng), shift = Normal(c, rng);
  bool shifted = Between(0, 1, rng) == 1;
  Doubles want;
  for (int64_t i = 0; i < rows * c; ++i) {
    want.push_back(static_cast<double>(x[At(i)]) * scale[At(i % c)] +
                   (shifted ? shift[At(i % c)] : 0));
  }
  float* y = lab.Out(rows * c);
  SL_RETURN_IF_ERROR(lab.backend().Affine(lab.In(x), lab.In(scale),
                                          shifted ? lab.In(shift) : nullptr, rows, c, y));
  return lab.Error(y, want);
}

StatusOr<double> RotateCase(Lab& lab, Rng& rng) {
  int64_t rows = Between(1, 20, rng), heads = Between(1, 6, rng), half = Between(1, 40, rng),
          stride = heads * 2 * half + Between(0, 30, rng);
  Floats x = Normal(rows * stride, rng), cosine, sine;
  for (float angle : Normal(rows * half, rng, 9)) {
    cosine.push_back(std::cos(angle));
    sine.push_back(std::sin(angle));
  }
  Doubles want = Wide(x);
  for (int64_t i = 0; i < rows * heads * half; ++i) {
    int64_t row = i / (heads * half), p = row * stride + i / half % heads * 2 * half + i % half;
    double a = x[At(p)], b = x[At(p + half)], c = cosine[At(row * half + i % half)],
           s = sine[At(row * half + i % half)];
    want[At(p)] = a * c - b * s;
    want[At(p + half)] = b * c + a * s;
  }
  float* y = lab.InOut(x);
  SL_RETURN_IF_ERROR(
      lab.backend().Rotate(lab.In(cosine), lab.In(sine), rows, stride, heads, 2 * half, y));
  return lab.Error(y, want);
}

StatusOr<double> CopyBlockCase(Lab& lab, Rng& rng) {
  int64_t rows = Between(1, 40, rng), cols = Between(1, 50, rng), wide = cols + Between(0, 20, rng),
          to = cols + Between(0, 20, rng);
  Floats x = Normal(rows * wide, rng), y = Normal(rows * to, rng);
  Doubles want = Wide(y);
  for (int64_t i = 0; i < rows * cols; ++i) {
    want[At(i / cols * to + i % cols)] = x[At(i / cols * wide + i % cols)];
  }
  float* out = lab.InOut(y);
  SL_RETURN_IF_ERROR(lab.backend().CopyBlock({lab.In(x), wide, rows, cols}, to, out));
  return lab.Error(out, want);
}

StatusOr<double> GatherCase(Lab& lab, Rng& rng) {
  int64_t rows = Between(1, 40, rng), c = Between(1, 50, rng), n = Between(1, 80, rng);
  Floats x = Normal(rows * c, rng);
  std::vector<int32_t> from = RandomRows(n, rows, -1, rng);
  Doubles want;
  for (int64_t i = 0; i < n * c; ++i) {
    int64_t row = from[At(i / c)];
    want.push_back(row < 0 ? 0 : x[At(row * c + i % c)]);
  }
  float* y = lab.Out(n * c);
  SL_RETURN_IF_ERROR(lab.backend().GatherRows(lab.In(x), c, from, y));
  return lab.Error(y, want);
}

StatusOr<double> ScatterCase(Lab& lab, Rng& rng) {
  int64_t rows = Between(2, 60, rng), c = Between(1, 50, rng), n = Between(1, rows, rng);
  Floats from = Normal(n * c, rng), y = Normal(rows * c, rng);
  std::vector<int32_t> to(At(rows));
  for (int64_t i = 0; i < rows; ++i) to[At(i)] = static_cast<int32_t>(i);
  std::shuffle(to.begin(), to.end(), rng);
  to.resize(At(n));
  Doubles want = Wide(y);
  for (int64_t i = 0; i < n * c; ++i) want[At(to[At(i / c)] * c + i % c)] = from[At(i)];
  float* out = lab.InOut(y);
  SL_RETURN_IF_ERROR(lab.backend().ScatterRows(lab.In(from), c, to, out));
  return lab.Error(out, want);
}

StatusOr<double> MixCase(Lab& lab, Rng& rng) {
  int64_t rows = Between(1, 40, rng), c = Between(1, 50, rng), n = Between(1, 40, rng),
          k = Between(1, 5, rng);
  Floats x = Normal(rows * c, rng), weights = Normal(n * k, rng);
  std::vector<int32_t> from = RandomRows(n * k, rows, 0, rng);
  Doubles want(At(n * c));
  for (int64_t i = 0; i < n * c; ++i) {
    for (int64_t j = i / c * k; j < (i / c + 1) * k; ++j) {
      want[At(i)] += static_cast<double>(weights[At(j)]) * x[At(from[At(j)] * c + i % c)];
    }
  }
  float* y = lab.Out(n * c);
  SL_RETURN_IF_ERROR(lab.backend().MixRows(lab.In(x), c, k, from, weights, y));
  return lab.Error(y, want);
}

StatusOr<double> TransposeCase(Lab& lab, Rng& rng) {
  int64_t rows = Between(1, 70, rng), cols = Between(1, 70, rng);
  Floats x = Normal(rows * cols, rng);
  Doubles want(x.size());
  for (int64_t i = 0; i < rows * cols; ++i) want[At(i % cols * rows + i / cols)] = x[At(i)];
  float* y = lab.Out(rows * cols);
  SL_RETURN_IF_ERROR(lab.backend().Transpose(lab.In(x), rows, cols, y));
  return lab.Error(y, want);
}

OpCase OfPoint(const std::string& name, PointOp op) {
  return {"Pointwise " + name, [op](Lab& lab, Rng& rng) { return PointCase(op, lab, rng); }};
}

OpCase OfNorm(const std::string& name, NormKind kind) {
  return {name, [kind](Lab& lab, Rng& rng) { return NormCase(kind, lab, rng); }};
}

}  // namespace

std::vector<OpCase> RowCases() {
  return {
      {"MatMul", MatMulCase},
      OfNorm("LayerNorm", NormKind::kLayer),
      OfNorm("RmsNorm", NormKind::kRms),
      OfNorm("NormTogether", NormKind::kTogether),
      {"ColumnMoments", MomentsCase},
      OfPoint("gelu", PointOp::kGelu),
      OfPoint("gelu_tanh", PointOp::kGeluTanh),
      OfPoint("quick_gelu", PointOp::kQuickGelu),
      OfPoint("relu", PointOp::kRelu),
      OfPoint("sigmoid", PointOp::kSigmoid),
      OfPoint("scale", PointOp::kScale),
      OfPoint("cap", PointOp::kCap),
      {"Gate silu", [](Lab& lab, Rng& rng) { return GateCase(GateOp::kSilu, lab, rng); }},
      {"Gate gelu_tanh", [](Lab& lab, Rng& rng) { return GateCase(GateOp::kGeluTanh, lab, rng); }},
      {"AddRows", AddRowsCase},
      {"Affine", AffineCase},
      {"Rotate", RotateCase},
      {"CopyBlock", CopyBlockCase},
      {"GatherRows", GatherCase},
      {"ScatterRows", ScatterCase},
      {"MixRows", MixCase},
      {"Transpose", TransposeCase},
  };
}

}  // namespace sightline
