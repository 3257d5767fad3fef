#include "vision/encoders/encoder_weights.h"

namespace sightline::vision {

Tensor EncoderWeights::ReadOnHost(const std::string& name, const std::vector<int64_t>& shape) {
  Tensor t = list_.Read(name, shape);
  if (t.shape.empty()) usable_ = false;
  return t;
}

Tensor EncoderWeights::Read(const std::string& name, const std::vector<int64_t>& shape) {
  Tensor t = ReadOnHost(name, shape);
  return device().is_host() ? t : t.To(device());
}

Tensor EncoderWeights::ReadIfThere(const std::string& name, const std::vector<int64_t>& shape) {
  return Has(name) ? Read(name, shape) : Tensor();
}

Linear EncoderWeights::Dense(const std::string& name, int64_t out, int64_t in, bool bias,
                             const NormName& norm) {
  // Exporters disagree on whether a point-wise convolution keeps its two sides of 1.
  auto flat = status().ok() ? source_.read(name + ".weight", {out, in, 1, 1}) : Tensor();
  Tensor w = flat.ok() ? *std::move(flat) : ReadOnHost(name + ".weight", {out, in});
  if (w.shape.empty()) usable_ = false;
  Tensor b = bias ? ReadOnHost(name + ".bias", {out}) : Tensor();
  ChannelAffine affine = norm.name.empty() ? ChannelAffine() : BatchOnHost(norm, out);
  if (!usable()) return Linear();
  Linear layer = PackLinear(w, b, norm.name.empty() ? nullptr : &affine);
  return device().is_host() ? layer : ToDevice(layer, device());
}

NormWeights EncoderWeights::Norm(const std::string& name, int64_t c, float eps) {
  return {Read(name + ".weight", {c}), Read(name + ".bias", {c}), eps};
}

ChannelAffine EncoderWeights::BatchOnHost(const NormName& norm, int64_t c) {
  Tensor weight = ReadOnHost(norm.name + ".weight", {c});
  Tensor bias = ReadOnHost(norm.name + ".bias", {c});
  Tensor mean = ReadOnHost(norm.name + ".running_mean", {c});
  Tensor variance = ReadOnHost(norm.name + ".running_var", {c});
  return usable() ? BatchNorm(weight, bias, mean, variance, norm.eps) : ChannelAffine();
}

ChannelAffine EncoderWeights::Batch(const NormName& norm, int64_t c) {
  return ToDevice(BatchOnHost(norm, c), device());
}

Conv EncoderWeights::Pack(const Tensor& weight, const Tensor& bias, const ConvSteps& steps,
                          bool depthwise, const NormName& norm, int64_t c) {
  ChannelAffine affine = norm.name.empty() ? ChannelAffine() : BatchOnHost(norm, c);
  if (!usable()) return Conv();
  return ToDevice(PackConv(weight, bias, steps, depthwise, norm.name.empty() ? nullptr : &affine),
                  device());
}

Conv EncoderWeights::Convolution(const std::string& name, int64_t out, int64_t in,
                                 const ConvSteps& steps, bool bias, const NormName& norm) {
  Tensor w = ReadOnHost(name + ".weight", {out, in, steps.kernel, steps.kernel});
  Tensor b = bias ? ReadOnHost(name + ".bias", {out}) : Tensor();
  return Pack(w, b, steps, false, norm, out);
}

Conv EncoderWeights::Depthwise(const std::string& name, int64_t c, const ConvSteps& steps,
                               bool bias, const NormName& norm) {
  Tensor w = ReadOnHost(name + ".weight", {c, 1, steps.kernel, steps.kernel});
  Tensor b = bias ? ReadOnHost(name + ".bias", {c}) : Tensor();
  return Pack(w, b, steps, true, norm, c);
}

Tensor MlpLayers::operator()(const Tensor& x) const {
  Tensor h = Apply(x, fc1);
  Gelu(&h);
  return Apply(h, fc2);
}

Tensor ApplyHead(const Tensor& pooled, const Linear& head) {
  return head.empty() ? Tensor() : Apply(pooled, head);
}

}  // namespace sightline::vision
