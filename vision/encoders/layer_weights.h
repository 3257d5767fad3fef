// Reads the weights of linear, normalisation and convolution layers by name.
#pragma once

#include <string>
#include <vector>

#include "compute/ops/ops.h"
#include "compute/weights/safetensors.h"

namespace sightline::vision {

struct Norm {
  std::vector<float> weight, bias;
};
struct DwConv {
  int k = 3;
  std::vector<float> weight;  // [k*k, C]
  std::vector<float> bias;
};

// Remembers the first error, so that a loader reads as a list.
class LayerReader {
 public:
  LayerReader(const WeightFile& file, std::string prefix)
      : file_(file), prefix_(std::move(prefix)) {}
  Linear Dense(const std::string& name, int64_t out, int64_t in, bool bias = true);
  Norm LayerNorm(const std::string& name, int64_t c);
  Linear Conv3x3(const std::string& name, int64_t out, int64_t in);
  DwConv Depthwise(const std::string& name, int64_t c, int k);
  const Status& status() const { return status_; }

 private:
  Linear Packed(Linear layer);
  std::vector<float> Vector(const std::string& name, int64_t n);
  Tensor Read(const std::string& name, const std::vector<int64_t>& shape);
  const WeightFile& file_;
  std::string prefix_;
  Status status_;
};

}  // namespace sightline::vision
