#include "vision/encoders/layer_weights.h"

namespace sightline::vision {

Tensor LayerReader::Read(const std::string& name, const std::vector<int64_t>& shape) {
  auto t = file_.Read(prefix_ + name, shape);
  if (t.ok()) return *std::move(t);
  if (status_.ok()) status_ = t.status();
  return Tensor(shape);
}

std::vector<float> LayerReader::Vector(const std::string& name, int64_t n) {
  return Read(name, {n}).data;
}

Linear LayerReader::Dense(const std::string& name, int64_t out, int64_t in, bool bias) {
  Linear l;
  l.w = Read(name + ".weight", {out, in});
  if (bias) l.bias = Vector(name + ".bias", out);
  return Packed(std::move(l));
}

Linear LayerReader::Packed(Linear layer) {
  if (status_.ok()) status_.Update(PackWeights(WeightChoice::kF32, &layer));
  return layer;
}

Norm LayerReader::LayerNorm(const std::string& name, int64_t c) {
  return {Vector(name + ".weight", c), Vector(name + ".bias", c)};
}

Linear LayerReader::Conv3x3(const std::string& name, int64_t out, int64_t in) {
  Tensor w = Read(name + ".weight", {out, in, 3, 3});
  return Packed(PackConv3x3(w, Vector(name + ".bias", out)));
}

DwConv LayerReader::Depthwise(const std::string& name, int64_t c, int k) {
  Tensor w = Read(name + ".weight", {c, 1, k, k});
  DwConv d;
  d.k = k;
  d.bias = Vector(name + ".bias", c);
  d.weight.resize(static_cast<size_t>(c) * k * k);
  for (int64_t i = 0; i < c; ++i) {
    for (int64_t t = 0; t < k * k; ++t)
      d.weight[static_cast<size_t>(t * c + i)] = w.data[static_cast<size_t>(i * k * k + t)];
  }
  return d;
}

}  // namespace sightline::vision
