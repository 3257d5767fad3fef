#include "compute/ops/shape_ops.h"

#include "compute/backend/backend.h"
#include "compute/base/shape_check.h"

namespace sightline {
namespace {

Backend& On(const Tensor& x) { return x.device().backend(); }

std::vector<int64_t> WithCols(const Tensor& x, int64_t cols) {
  std::vector<int64_t> shape = x.shape;
  shape.back() = cols;
  return shape;
}

// Makes *y anew unless it has that shape on that device already.
void Shape(const std::vector<int64_t>& shape, const Device& device, Tensor* y) {
  if (y->shape != shape || y->device() != device) *y = Tensor(shape, device);
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

void CheckLayer(const Tensor& x, const Linear& layer) {
  CheckSize(x.cols(), "x", {"K", layer.inputs()});
  if (!layer.bias.empty()) CheckSize(std::ssize(layer.bias), "bias", {"N", layer.outputs()});
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
  SL_CHECK(count > 0);
  CheckRange(first, count, "columns of x", {"C", x.cols()});
  Tensor y(WithCols(x, count), x.device());
  MustRun(On(x).CopyBlock({x.address() + first, x.cols(), x.rows(), count}, count, y.address()));
  return y;
}

Tensor JoinColumns(const Tensor& a, const Tensor& b) {
  CheckSize(b.rows(), "b", {"rows", a.rows()});
  SL_CHECK(a.device() == b.device());
  int64_t width = a.cols() + b.cols();
  Tensor y(WithCols(a, width), a.device());
  MustRun(On(a).CopyBlock({a.address(), a.cols(), a.rows(), a.cols()}, width, y.address()));
  MustRun(
      On(a).CopyBlock({b.address(), b.cols(), b.rows(), b.cols()}, width, y.address() + a.cols()));
  return y;
}

Tensor Rows(const Tensor& x, int64_t first, int64_t count) {
  SL_CHECK(count > 0);
  CheckRange(first, count, "rows of x", {"rows", x.rows()});
  int64_t c = x.cols();
  Tensor y({count, c}, x.device());
  MustRun(On(x).CopyBlock({x.address() + first * c, c, count, c}, c, y.address()));
  return y;
}

Tensor JoinRows(const Tensor& a, const Tensor& b) {
  CheckSize(b.cols(), "b", {"C", a.cols()});
  SL_CHECK(a.device() == b.device());
  int64_t c = a.cols();
  Tensor y({a.rows() + b.rows(), c}, a.device());
  MustRun(On(a).CopyBlock({a.address(), c, a.rows(), c}, c, y.address()));
  MustRun(On(a).CopyBlock({b.address(), c, b.rows(), c}, c, y.address() + a.size()));
  return y;
}

Tensor JoinRows(const std::vector<Tensor>& parts) {
  SL_CHECK(!parts.empty());
  int64_t c = parts[0].cols(), rows = 0;
  for (const Tensor& p : parts) rows += p.rows();
  Tensor y({rows, c}, parts[0].device());
  float* to = y.address();
  for (const Tensor& p : parts) {
    CheckSize(p.cols(), "part", {"C", c});
    SL_CHECK(p.device() == y.device());
    MustRun(On(y).CopyBlock({p.address(), c, p.rows(), c}, c, to));
    to += p.size();
  }
  return y;
}

Tensor GatherRows(const Tensor& x, const std::vector<int32_t>& rows) {
  for (int32_t row : rows) SL_CHECK(row >= -1 && row < x.rows());
  Tensor y({static_cast<int64_t>(rows.size()), x.cols()}, x.device());
  MustRun(On(x).GatherRows(x.address(), x.cols(), rows, y.address()));
  return y;
}

Tensor MixRows(const Tensor& x, int64_t k, const std::vector<int32_t>& rows,
               const std::vector<float>& weights) {
  auto n = static_cast<int64_t>(rows.size());
  SL_CHECK(k > 0 && n % k == 0 && weights.size() == rows.size());
  for (int32_t row : rows) SL_CHECK(row >= 0 && row < x.rows());
  Tensor y({n / k, x.cols()}, x.device());
  MustRun(On(x).MixRows(x.address(), x.cols(), k, rows, weights, y.address()));
  return y;
}

void ScatterRows(const Tensor& from, const std::vector<int32_t>& rows, Tensor* x) {
  CheckSize(from.rows(), "from", {"rows", std::ssize(rows)});
  CheckSize(from.cols(), "from", {"C", x->cols()});
  SL_CHECK(from.device() == x->device());
  for (int32_t row : rows) SL_CHECK(row >= 0 && row < x->rows());
  MustRun(On(from).ScatterRows(from.address(), x->cols(), rows, x->address()));
}

Tensor Transposed(const Tensor& x) {
  Tensor y({x.cols(), x.rows()}, x.device());
  MustRun(On(x).Transpose(x.address(), x.rows(), x.cols(), y.address()));
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
  CheckSize(y.size(), "y", {"numbers", x->size()});
  if (!gain.data.empty()) CheckSize(gain.cols(), "gain", {"C", x->cols()});
  SL_CHECK(x->device() == y.device() && (gain.data.empty() || gain.device() == x->device()));
  MustRun(On(*x).AddRows(y.address(), gain.data.empty() ? nullptr : gain.address(), x->rows(),
                         x->cols(), x->address()));
}

void ScaleColumns(Tensor* x, const Tensor& gain) {
  CheckSize(gain.size(), "gain", {"C", x->cols()});
  SL_CHECK(gain.device() == x->device());
  MustRun(On(*x).Affine(x->address(), gain.address(), nullptr, x->rows(), x->cols(), x->address()));
}

void Pointwise(PointOp op, Tensor* x, float value) {
  MustRun(On(*x).Pointwise(op, value, x->rows(), x->cols(), x->address()));
}

void Gate(GateOp op, const Tensor& gate, Tensor* up) {
  CheckSize(gate.rows(), "gate", {"T", up->rows()});
  CheckSize(gate.cols(), "gate", {"F", up->cols()});
  SL_CHECK(gate.device() == up->device());
  MustRun(On(gate).Gate(op, gate.address(), up->address(), up->rows(), up->cols(), up->address()));
}

void Scale(Tensor* x, float gain) { Pointwise(PointOp::kScale, x, gain); }
void Gelu(Tensor* x) { Pointwise(PointOp::kGelu, x); }
void Relu(Tensor* x) { Pointwise(PointOp::kRelu, x); }
void Sigmoid(Tensor* x) { Pointwise(PointOp::kSigmoid, x); }

namespace {

NormView ViewOf(const Tensor& x, const NormWeights& n) {
  CheckMultiple(x.cols(), "x", {"C", n.weight.size()});
  if (!n.bias.data.empty()) CheckSize(n.bias.size(), "bias", {"C", n.weight.size()});
  SL_CHECK(n.weight.device() == x.device());
  return {n.weight.address(), n.bias.data.empty() ? nullptr : n.bias.address(), n.eps};
}

}  // namespace

void Normalise(const Tensor& x, const NormWeights& n, Tensor* y) {
  Shape(x.shape, x.device(), y);
  CheckSize(n.weight.size(), "weight", {"C", x.cols()});
  CheckSize(n.bias.size(), "bias", {"C", x.cols()});
  MustRun(On(x).LayerNorm(x.address(), x.rows(), x.cols(), ViewOf(x, n), y->address()));
}

Tensor Normalise(const Tensor& x, const NormWeights& n) {
  Tensor y;
  Normalise(x, n, &y);
  return y;
}

void NormaliseRms(const Tensor& x, const NormWeights& n, Tensor* y) {
  Shape(x.shape, x.device(), y);
  NormView view = ViewOf(x, n);
  int64_t c = n.weight.size();
  MustRun(On(x).RmsNorm(x.address(), x.size() / c, c, view, y->address()));
}

Tensor NormaliseRms(const Tensor& x, const NormWeights& n) {
  Tensor y;
  NormaliseRms(x, n, &y);
  return y;
}

void RotateHeads(const Tensor& cosine, const Tensor& sine, int64_t heads, Tensor* x) {
  int64_t d = 2 * cosine.cols();
  CheckShape(cosine, "cosine", {{"T", x->rows()}, {"D / 2"}});
  CheckShape(sine, "sine", {{"T", x->rows()}, {"D / 2", cosine.cols()}});
  CheckRange(0, heads * d, "heads of x", {"columns", x->cols()});
  SL_CHECK(cosine.device() == x->device());
  MustRun(On(*x).Rotate(cosine.address(), sine.address(), x->rows(), x->cols(), heads, d,
                        x->address()));
}

Tensor NormaliseTogether(const Tensor& x, const NormWeights& n) {
  Tensor y(x.shape, x.device());
  MustRun(On(x).NormTogether(x.address(), x.rows(), x.cols(), ViewOf(x, n), y.address()));
  return y;
}

NormWeights ToDevice(const NormWeights& n, const Device& device) {
  return {n.weight.To(device), n.bias.To(device), n.eps};
}

Tensor MeanRows(const Tensor& x) {
  Tensor y({1, x.cols()}, x.device());
  MustRun(On(x).ColumnMoments(x.address(), x.rows(), x.cols(), y.address(), nullptr));
  return y;
}

Tensor ColumnMoments(const Tensor& x) {
  Tensor y({2, x.cols()}, x.device());
  MustRun(
      On(x).ColumnMoments(x.address(), x.rows(), x.cols(), y.address(), y.address() + x.cols()));
  return y;
}

Tensor Product(const Tensor& a, const Tensor& b) {
  CheckSize(b.cols(), "b", {"K", a.cols()});
  return Apply(a, Linear{b, {}});
}

void Apply(const Tensor& x, const Linear& layer, Tensor* y) {
  SL_CHECK(layer.packed ? x.device().is_host() : x.device() == layer.w.device());
  CheckLayer(x, layer);
  Shape(WithCols(x, layer.outputs()), x.device(), y);
  MustRun(On(x).MatMul(x.address(), x.rows(), layer, y->address()));
}

Tensor Apply(const Tensor& x, const Linear& layer) {
  Tensor y;
  Apply(x, layer, &y);
  return y;
}

void ApplyAll(const Tensor& x, std::span<const Linear* const> layers, std::vector<Tensor>* out) {
  out->resize(layers.size());
  std::vector<WeightJob> jobs;
  for (size_t i = 0; i < layers.size(); ++i) {
    const Linear* l = layers[i];
    Tensor* y = &(*out)[i];
    if (!l->packed) {
      Apply(x, *l, y);
      continue;
    }
    CheckLayer(x, *l);
    Shape(WithCols(x, l->outputs()), x.device(), y);
    const float* bias = l->bias.empty() ? nullptr : l->bias.data();
    jobs.push_back({l->packed.get(), bias, y->data.data(), l->outputs()});
  }
  if (!jobs.empty()) MatMul(x.data.data(), x.cols(), x.rows(), jobs);
}

std::vector<Tensor> ApplyAll(const Tensor& x, std::span<const Linear* const> layers) {
  std::vector<Tensor> out;
  ApplyAll(x, layers, &out);
  return out;
}

Linear ToDevice(const Linear& layer, const Device& device) {
  if (!layer.packed || device.is_host()) {
    return {layer.w.To(device), layer.bias.To(device), layer.packed};
  }
  Tensor rows({layer.outputs(), layer.inputs()});
  for (int64_t i = 0; i < rows.rows(); ++i) layer.packed->Row(i, rows.row(i));
  return {rows.To(device), layer.bias.To(device), nullptr};
}

Tensor FromHost(std::vector<float> values, std::vector<int64_t> shape, const Device& device) {
  SL_CHECK(Tensor::Count(shape) == static_cast<int64_t>(values.size()));
  Tensor x;
  x.shape = std::move(shape);
  x.data = std::move(values);
  return device.is_host() ? x : x.To(device);
}

std::vector<float> HostValues(const Tensor& x) { return x.data.Host(); }

}  // namespace sightline
