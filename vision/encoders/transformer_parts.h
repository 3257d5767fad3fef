// What the published vision transformers share: reading weights, activations, attention over rows.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "compute/attention/block_list.h"
#include "compute/ops/ops.h"

namespace sightline::vision {

// Reads one weight by name and checks its shape; -1 matches any size.
using TensorReader =
    std::function<StatusOr<Tensor>(const std::string& name, const std::vector<int64_t>& shape)>;

// Keeps the first error, so that a loader reads as a list.
class WeightList {
 public:
  // `pack`: what linear layers become for the CPU; none leaves them as plain tensors.
  explicit WeightList(const TensorReader& read, std::optional<WeightChoice> pack = {})
      : read_(read), pack_(pack) {}
  Tensor Read(const std::string& name, const std::vector<int64_t>& shape);
  Linear Dense(const std::string& name, int64_t out, int64_t in, bool bias = true);
  // The same with zero outputs and inputs added up to the given sizes.
  Linear PaddedDense(const std::string& name, int64_t out, int64_t in, int64_t padded_out,
                     int64_t padded_in);
  // A convolution whose stride is its size, as a linear layer over flattened patches.
  Linear Patches(const std::string& name, const std::vector<int64_t>& shape, bool bias);
  std::vector<float> Vector(const std::string& name, int64_t n) { return Read(name, {n}).data; }
  const Status& status() const { return status_; }

 private:
  Linear Packed(Linear layer);
  const TensorReader& read_;
  std::optional<WeightChoice> pack_;
  Status status_;
};

enum class VisionActivation { kGelu, kGeluTanh, kQuickGelu };
void Activate(VisionActivation kind, Tensor* x);

// q, k, v: rows of H heads of D channels, `stride` floats apart; out [rows, H * D]. Scale 1 /
// sqrt(D).
struct HeadRows {
  const float *q = nullptr, *k = nullptr, *v = nullptr;
  int64_t rows = 0, stride = 0, heads = 1, d = 0;
};
Tensor AttendRows(const HeadRows& in, const BlockList& lists);

}  // namespace sightline::vision
