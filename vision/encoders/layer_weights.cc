#include "vision/encoders/layer_weights.h"

namespace sightline::vision {

Tensor LayerReader::Read(const std::string& name, const std::vector<int64_t>& shape) {
  auto t = file_.Read(prefix_ + name, shape);
  if (t.ok()) return *std::move(t);
  if (status_.ok()) status_ = t.status();
  return Tensor(shape);
}

Linear LayerReader::Dense(const std::string& name, int64_t out, int64_t in, bool bias) {
  Linear l;
  l.w = Read(name + ".weight", {out, in});
  if (bias) l.bias = Read(name + ".bias", {out}).data;
  return Placed(std::move(l));
}

Linear LayerReader::Placed(Linear layer) {
  if (!device_.is_host()) return ToDevice(layer, device_);
  if (status_.ok()) status_.Update(PackWeights(WeightChoice::kF32, &layer));
  return layer;
}

NormWeights LayerReader::Norm(const std::string& name, int64_t c, float eps) {
  return ToDevice(NormWeights{Read(name + ".weight", {c}), Read(name + ".bias", {c}), eps},
                  device_);
}

Conv LayerReader::Conv3x3(const std::string& name, int64_t out, int64_t in) {
  Tensor w = Read(name + ".weight", {out, in, 3, 3});
  Conv conv = PackConv(w, Read(name + ".bias", {out}), {3, 2, 1}, false);
  conv.taps = Placed(std::move(conv.taps));
  return conv;
}

Conv LayerReader::Depthwise(const std::string& name, int64_t c, int k) {
  Tensor w = Read(name + ".weight", {c, 1, k, k});
  return ToDevice(PackConv(w, Read(name + ".bias", {c}), {k, 1, k / 2}, true), device_);
}

}  // namespace sightline::vision
