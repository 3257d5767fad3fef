// Reads the weights of linear, normalisation and convolution layers by name, on to a device.
#pragma once

#include <string>
#include <vector>

#include "compute/ops/conv_ops.h"
#include "compute/ops/shape_ops.h"
#include "compute/weights/safetensors.h"

namespace sightline::vision {

// Remembers the first error, so that a loader reads as a list.
class LayerReader {
 public:
  LayerReader(const WeightFile& file, std::string prefix, const Device& device = {})
      : file_(file), prefix_(std::move(prefix)), device_(device) {}
  Linear Dense(const std::string& name, int64_t out, int64_t in, bool bias = true);
  NormWeights Norm(const std::string& name, int64_t c, float eps);
  Conv Conv3x3(const std::string& name, int64_t out, int64_t in);  // stride 2
  Conv Depthwise(const std::string& name, int64_t c, int k);
  const Status& status() const { return status_; }

 private:
  Tensor Read(const std::string& name, const std::vector<int64_t>& shape);
  Linear Placed(Linear layer);  // packed on the host, or on the device
  const WeightFile& file_;
  std::string prefix_;
  Device device_;
  Status status_;
};

}  // namespace sightline::vision
