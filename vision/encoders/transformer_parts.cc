#include "vision/encoders/transformer_parts.h"

#include <algorithm>
#include <cmath>

#include "compute/attention/attention.h"

namespace sightline::vision {

Tensor WeightList::Read(const std::string& name, const std::vector<int64_t>& shape) {
  if (!status_.ok()) return Tensor();
  auto t = read_(name, shape);
  if (t.ok()) return *std::move(t);
  status_ = t.status();
  return Tensor();
}

Linear WeightList::Dense(const std::string& name, int64_t out, int64_t in, bool bias) {
  Linear l;
  l.w = Read(name + ".weight", {out, in});
  if (bias) l.bias = Vector(name + ".bias", out);
  return Packed(std::move(l));
}

Linear WeightList::PaddedDense(const std::string& name, int64_t out, int64_t in, int64_t padded_out,
                               int64_t padded_in) {
  Linear l, padded;
  l.w = Read(name + ".weight", {out, in});
  padded.bias = Vector(name + ".bias", out);
  if (l.w.data.empty()) return padded;
  padded.bias.resize(static_cast<size_t>(padded_out));
  padded.w = Tensor({padded_out, padded_in});
  for (int64_t i = 0; i < out; ++i) std::copy_n(l.w.row(i), in, padded.w.row(i));
  return Packed(std::move(padded));
}

Linear WeightList::Packed(Linear layer) {
  if (pack_ && status_.ok()) status_.Update(PackWeights(*pack_, &layer));
  return layer;
}

Linear WeightList::Patches(const std::string& name, const std::vector<int64_t>& shape, bool bias) {
  Linear l;
  l.w = Read(name + ".weight", shape);
  l.w.shape = {shape[0], Tensor::Count(shape) / shape[0]};
  if (bias) l.bias = Vector(name + ".bias", shape[0]);
  return Packed(std::move(l));
}

void Activate(VisionActivation kind, Tensor* x) {
  ActivationKind of = kind == VisionActivation::kGelu       ? ActivationKind::kGelu
                      : kind == VisionActivation::kGeluTanh ? ActivationKind::kGeluTanh
                                                            : ActivationKind::kQuickGelu;
  Activate(of, x->data.data(), static_cast<int64_t>(x->data.size()));
}

Tensor AttendRows(const HeadRows& in, const BlockList& lists) {
  Tensor out({in.rows, in.heads * in.d});
  AttentionArgs a;
  a.q = in.q;
  a.q_stride = in.stride;
  auto page = static_cast<int32_t>(in.rows);
  a.k = {&in.k, page, in.stride};
  a.v = {&in.v, page, in.stride};
  a.rows = in.rows;
  a.heads = a.kv_heads = in.heads;
  a.d = in.d;
  a.scale = 1 / std::sqrt(static_cast<float>(in.d));
  a.lists = &lists;
  a.out = out.data.data();
  Attend(a);
  return out;
}

}  // namespace sightline::vision
