#include "compute/ops/decoder_ops.h"

#include <algorithm>

#include "compute/backend/backend.h"
#include "compute/base/shape_check.h"
#include "compute/ops/shape_ops.h"

namespace sightline {
namespace {

Backend& On(const Tensor& x) { return x.device().backend(); }

Tensor Gated(GateOp op, Tensor gate, const Tensor& up) {
  CheckSize(gate.rows(), "gate", {"T", up.rows()});
  CheckSize(gate.cols(), "gate", {"F", up.cols()});
  SL_CHECK(gate.device() == up.device());
  MustRun(On(up).Gate(op, gate.address(), up.address(), up.rows(), up.cols(), gate.address()));
  return gate;
}

}  // namespace

RowAngles ToDevice(const RowAngles& angles, const Device& device) {
  return {angles.cosine.To(device), angles.sine.To(device)};
}

Tensor EmbedRows(const Linear& table, const std::vector<int32_t>& ids, float scale) {
  for (int32_t id : ids) SL_CHECK(id >= 0 && id < table.outputs());
  Tensor x;
  if (table.packed) {
    x = Tensor({static_cast<int64_t>(ids.size()), table.inputs()});
    for (size_t i = 0; i < ids.size(); ++i) {
      table.packed->Row(ids[i], x.row(static_cast<int64_t>(i)));
    }
  } else {
    x = GatherRows(table.w, ids);
  }
  if (scale != 1) Scale(&x, scale);
  return x;
}

Tensor RmsNormalise(const Tensor& x, const Buffer& weight, float eps) {
  auto c = static_cast<int64_t>(weight.size());
  CheckMultiple(x.cols(), "x", {"C", c});
  SL_CHECK(weight.device() == x.device());
  Tensor y(x.shape, x.device());
  NormView norm{weight.address(), nullptr, eps};
  MustRun(On(x).RmsNorm(x.address(), x.size() / c, c, norm, y.address()));
  return y;
}

Tensor LayerNormalise(const Tensor& x, const Buffer& weight, const Buffer& bias, float eps) {
  auto c = static_cast<int64_t>(weight.size());
  CheckMultiple(x.cols(), "x", {"C", c});
  CheckSize(std::ssize(bias), "bias", {"C", c});
  SL_CHECK(weight.device() == x.device() && bias.device() == x.device());
  Tensor y(x.shape, x.device());
  NormView norm{weight.address(), bias.address(), eps};
  MustRun(On(x).LayerNorm(x.address(), x.size() / c, c, norm, y.address()));
  return y;
}

Tensor GatedSilu(Tensor gate, const Tensor& up) {
  return Gated(GateOp::kSilu, std::move(gate), up);
}

Tensor GatedGeluTanh(Tensor gate, const Tensor& up) {
  return Gated(GateOp::kGeluTanh, std::move(gate), up);
}

void RotateRows(Tensor* x, int64_t heads, const RowAngles& angles) {
  CheckSize(x->cols(), "x", {"H * D", heads * 2 * angles.cosine.cols()});
  RotateHeads(angles.cosine, angles.sine, heads, x);
}

void AddRows(Tensor* x, int64_t first, const Tensor& y) {
  CheckSize(y.cols(), "y", {"C", x->cols()});
  CheckRange(first, y.rows(), "rows of y", {"T", x->rows()});
  SL_CHECK(x->device() == y.device());
  MustRun(On(y).AddRows(y.address(), nullptr, y.rows(), y.cols(), x->address() + first * y.cols()));
}

void CapInPlace(Tensor* x, float cap) { Pointwise(PointOp::kCap, x, cap); }

Tensor ConcatRows(std::vector<Tensor> parts) {
  SL_CHECK(!parts.empty());
  return parts.size() == 1 ? std::move(parts[0]) : JoinRows(parts);
}

Tensor RowsOf(const Tensor& x, int64_t first, int64_t count) { return Rows(x, first, count); }

Tensor GatherRows(const Tensor& x, const std::vector<int64_t>& rows) {
  for (int64_t row : rows) SL_CHECK(row >= 0 && row < x.rows());
  return GatherRows(x, std::vector<int32_t>(rows.begin(), rows.end()));
}

}  // namespace sightline
