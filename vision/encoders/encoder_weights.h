// Reads layers of the convolutional encoders by name; a norm after a convolution is folded in.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "compute/ops/conv_ops.h"
#include "compute/ops/shape_ops.h"
#include "vision/encoders/transformer_parts.h"

namespace sightline::vision {

// Where weights come from. A reader that returns tensors of no shape takes a census: layers are
// named and shaped, none is made.
struct WeightSource {
  TensorReader read;
  std::function<bool(const std::string& name)> has;
  Device device = {};  // where the weights go
};

struct NormName {
  std::string name;  // empty: none
  float eps = 1e-5f;
};

// Remembers the first error, so that a loader reads as a list. Layers are packed on the host and
// handed out on the source's device.
class EncoderWeights {
 public:
  explicit EncoderWeights(const WeightSource& source) : source_(source), list_(source.read) {}
  bool Has(const std::string& name) const { return source_.has(name); }
  Tensor Read(const std::string& name, const std::vector<int64_t>& shape);
  // No shape where the checkpoint has none.
  Tensor ReadIfThere(const std::string& name, const std::vector<int64_t>& shape);
  // name.weight [out, in] or [out, in, 1, 1], name.bias if `bias`.
  Linear Dense(const std::string& name, int64_t out, int64_t in, bool bias = true,
               const NormName& norm = {});
  NormWeights Norm(const std::string& name, int64_t c, float eps);
  ChannelAffine Batch(const NormName& norm, int64_t c);
  Conv Convolution(const std::string& name, int64_t out, int64_t in, const ConvSteps& steps,
                   bool bias, const NormName& norm = {});
  Conv Depthwise(const std::string& name, int64_t c, const ConvSteps& steps, bool bias,
                 const NormName& norm = {});
  const Device& device() const { return source_.device; }
  const Status& status() const { return list_.status(); }
  // False after an error and during a census: nothing may be computed from the weights.
  bool usable() const { return usable_ && status().ok(); }

 private:
  Tensor ReadOnHost(const std::string& name, const std::vector<int64_t>& shape);
  ChannelAffine BatchOnHost(const NormName& norm, int64_t c);
  Conv Pack(const Tensor& weight, const Tensor& bias, const ConvSteps& steps, bool depthwise,
            const NormName& norm, int64_t c);
  const WeightSource& source_;
  WeightList list_;
  bool usable_ = true;
};

// x -> fc1 -> GELU -> fc2.
struct MlpLayers {
  Linear fc1, fc2;
  Tensor operator()(const Tensor& x) const;
};

// classes [1, N] of a head's rows; a head of no rows gives no shape.
Tensor ApplyHead(const Tensor& pooled, const Linear& head);

}  // namespace sightline::vision
