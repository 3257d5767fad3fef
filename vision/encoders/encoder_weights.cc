#include "vision/encoders/encoder_weights.h"

namespace sightline::vision {

Tensor EncoderWeights::Read(const std::string& name, const std::vector<int64_t>& shape) {
  Tensor t = list_.Read(name, shape);
  if (t.shape.empty()) usable_ = false;
  return t;
}

Tensor EncoderWeights::ReadIfThere(const std::string& name, const std::vector<int64_t>& shape) {
  return Has(name) ? Read(name, shape) : Tensor();
}

Linear EncoderWeights::Dense(const std::string& name, int64_t out, int64_t in, bool bias,
                             const NormName& norm) {
  // Exporters disagree on whether a point-wise convolution keeps its two sides of 1.
  auto flat = status().ok() ? source_.read(name + ".weight", {out, in, 1, 1}) : Tensor();
  Tensor w = flat.ok() ? *std::move(flat) : Read(name + ".weight", {out, in});
  if (w.shape.empty()) usable_ = false;
  Tensor b = bias ? Read(name + ".bias", {out}) : Tensor();
  if (norm.name.empty()) return usable() ? PackLinear(w, b) : Linear();
  ChannelAffine affine = Batch(norm, out);
  return usable() ? PackLinear(w, b, &affine) : Linear();
}

NormWeights EncoderWeights::Norm(const std::string& name, int64_t c, float eps) {
  return {Read(name + ".weight", {c}), Read(name + ".bias", {c}), eps};
}

ChannelAffine EncoderWeights::Batch(const NormName& norm, int64_t c) {
  Tensor weight = Read(norm.name + ".weight", {c}), bias = Read(norm.name + ".bias", {c});
  Tensor mean = Read(norm.name + ".running_mean", {c});
  Tensor variance = Read(norm.name + ".running_var", {c});
  return usable() ? BatchNorm(weight, bias, mean, variance, norm.eps) : ChannelAffine();
}

Conv EncoderWeights::Convolution(const std::string& name, int64_t out, int64_t in,
                                 const ConvSteps& steps, bool bias, const NormName& norm) {
  Tensor w = Read(name + ".weight", {out, in, steps.kernel, steps.kernel});
  Tensor b = bias ? Read(name + ".bias", {out}) : Tensor();
  if (norm.name.empty()) return usable() ? PackConv(w, b, steps, false) : Conv();
  ChannelAffine affine = Batch(norm, out);
  return usable() ? PackConv(w, b, steps, false, &affine) : Conv();
}

Conv EncoderWeights::Depthwise(const std::string& name, int64_t c, const ConvSteps& steps,
                               bool bias, const NormName& norm) {
  Tensor w = Read(name + ".weight", {c, 1, steps.kernel, steps.kernel});
  Tensor b = bias ? Read(name + ".bias", {c}) : Tensor();
  if (norm.name.empty()) return usable() ? PackConv(w, b, steps, true) : Conv();
  ChannelAffine affine = Batch(norm, c);
  return usable() ? PackConv(w, b, steps, true, &affine) : Conv();
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
