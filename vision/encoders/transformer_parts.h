// What the published vision transformers share: reading weights, activations, attention over rows.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compute/attention/attention_plan.h"
#include "compute/ops/shape_ops.h"

namespace sightline::vision {

// Reads one weight by name and checks its shape; -1 matches any size.
using TensorReader =
    std::function<StatusOr<Tensor>(const std::string& name, const std::vector<int64_t>& shape)>;

// Keeps the first error, so that a loader reads as a list. What is read lies on the device.
class WeightList {
 public:
  // `pack`: the form of linear layers on the host; none leaves them as plain tensors.
  explicit WeightList(const TensorReader& read, const Device& device = {},
                      std::optional<WeightChoice> pack = {})
      : read_(read), device_(device), pack_(pack) {}
  Tensor Read(const std::string& name, const std::vector<int64_t>& shape);
  Linear Dense(const std::string& name, int64_t out, int64_t in, bool bias = true);
  // The same with zero outputs and inputs added up to the given sizes.
  Linear PaddedDense(const std::string& name, int64_t out, int64_t in, int64_t padded_out,
                     int64_t padded_in);
  // A convolution whose stride is its size, as a linear layer over flattened patches.
  Linear Patches(const std::string& name, const std::vector<int64_t>& shape, bool bias);
  // name.weight and, where there is one, name.bias.
  NormWeights Norm(const std::string& name, int64_t c, float eps, bool bias = true);
  const Status& status() const { return status_; }

 private:
  Linear Packed(Linear layer);
  const TensorReader& read_;
  Device device_;
  std::optional<WeightChoice> pack_;
  Status status_;
};

enum class VisionActivation { kGelu, kGeluTanh, kQuickGelu };
void Activate(VisionActivation kind, Tensor* x);

// q, k, v [rows, H * D] -> out [rows, H * D], every row of which stands in a tile of the plan.
// Scale 1 / sqrt(D).
void AttendRows(const Tensor& q, const Tensor& k, const Tensor& v, int64_t heads,
                const AttentionPlan& plan, Tensor* out);

}  // namespace sightline::vision
