#include "vision/encoders/transformer_parts.h"

#include <algorithm>
#include <cmath>

namespace sightline::vision {

Tensor WeightList::Read(const std::string& name, const std::vector<int64_t>& shape) {
  if (!status_.ok()) return Tensor();
  auto t = read_(name, shape);
  if (t.ok()) return device_.is_host() ? *std::move(t) : t->To(device_);
  status_ = t.status();
  return Tensor();
}

Linear WeightList::Dense(const std::string& name, int64_t out, int64_t in, bool bias) {
  Linear l;
  l.w = Read(name + ".weight", {out, in});
  if (bias) l.bias = Read(name + ".bias", {out}).data;
  return Packed(std::move(l));
}

Linear WeightList::PaddedDense(const std::string& name, int64_t out, int64_t in, int64_t padded_out,
                               int64_t padded_in) {
  if (!device_.is_host() || (out == padded_out && in == padded_in)) return Dense(name, out, in);
  Linear l;
  Tensor w = Read(name + ".weight", {out, in}), bias = Read(name + ".bias", {out});
  if (w.data.empty() || bias.data.empty()) return l;
  l.w = Tensor({padded_out, padded_in});
  for (int64_t i = 0; i < out; ++i) std::copy_n(w.row(i), in, l.w.row(i));
  Tensor padded({padded_out});
  std::copy_n(bias.row(0), out, padded.row(0));
  l.bias = std::move(padded.data);
  return Packed(std::move(l));
}

Linear WeightList::Packed(Linear layer) {
  if (pack_ && device_.is_host() && status_.ok()) status_.Update(PackWeights(*pack_, &layer));
  return layer;
}

Linear WeightList::Patches(const std::string& name, const std::vector<int64_t>& shape, bool bias) {
  Linear l;
  l.w = Read(name + ".weight", shape);
  l.w.shape = {shape[0], Tensor::Count(shape) / shape[0]};
  if (bias) l.bias = Read(name + ".bias", {shape[0]}).data;
  return Packed(std::move(l));
}

NormWeights WeightList::Norm(const std::string& name, int64_t c, float eps, bool bias) {
  return {Read(name + ".weight", {c}), bias ? Read(name + ".bias", {c}) : Tensor(), eps};
}

void Activate(VisionActivation kind, Tensor* x) {
  Pointwise(kind == VisionActivation::kGelu       ? PointOp::kGelu
            : kind == VisionActivation::kGeluTanh ? PointOp::kGeluTanh
                                                  : PointOp::kQuickGelu,
            x);
}

void AttendRows(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads,
                const AttentionPlan& plan, Tensor* out) {
  if (out->shape != q.shape || out->device() != q.device()) *out = Tensor(q.shape, q.device());
  int64_t c = q.cols();
  const float *keys = k.address(), *values = v.address();
  AttentionArgs a;
  a.q = q.address();
  a.q_stride = c;
  auto page = static_cast<int32_t>(k.rows());
  a.k = {&keys, page, c};
  a.v = {&values, page, c};
  a.rows = q.rows();
  a.heads = a.kv_heads = heads;
  a.d = c / heads;
  a.scale = 1 / std::sqrt(static_cast<float>(a.d));
  a.out = out->address();
  plan.Run(a);
}

}  // namespace sightline::vision
