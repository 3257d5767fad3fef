// Float32 tensors on the host: an owner and a shape. Rows are contiguous, the last dimension fastest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compute/base/check.h"
#include "compute/base/status.h"

namespace sightline {

struct Tensor {
  std::vector<int64_t> shape;
  std::vector<float> data;

  Tensor() = default;
  explicit Tensor(std::vector<int64_t> s) : shape(std::move(s)), data(static_cast<size_t>(Count(shape))) {}

  static int64_t Count(const std::vector<int64_t>& s) {
    int64_t n = 1;
    for (int64_t d : s) n *= d;
    return n;
  }
  int64_t rows() const { return shape.empty() ? 0 : Count(shape) / shape.back(); }
  int64_t cols() const { return shape.empty() ? 0 : shape.back(); }
  float* row(int64_t i) { return data.data() + i * cols(); }
  const float* row(int64_t i) const { return data.data() + i * cols(); }
};

std::string ShapeText(const std::vector<int64_t>& shape);

}  // namespace sightline
