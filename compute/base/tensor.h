// Float32 tensors: an owner of numbers on one device and a shape. Rows are contiguous, the last
// dimension fastest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compute/base/check.h"
#include "compute/base/status.h"
#include "compute/device/buffer.h"

namespace sightline {

struct Tensor {
  std::vector<int64_t> shape;
  Buffer data;

  Tensor() = default;
  explicit Tensor(std::vector<int64_t> s)
      : shape(std::move(s)), data(static_cast<size_t>(Count(shape))) {}
  Tensor(std::vector<int64_t> s, const Device& device)
      : shape(std::move(s)), data(static_cast<size_t>(Count(shape)), device) {}

  static int64_t Count(const std::vector<int64_t>& s) {
    int64_t n = 1;
    for (int64_t d : s) n *= d;
    return n;
  }
  int64_t size() const { return static_cast<int64_t>(data.size()); }
  int64_t rows() const { return shape.empty() ? 0 : Count(shape) / shape.back(); }
  int64_t cols() const { return shape.empty() ? 0 : shape.back(); }
  // On the host alone.
  float* row(int64_t i) { return data.data() + i * cols(); }
  const float* row(int64_t i) const { return data.data() + i * cols(); }

  const Device& device() const { return data.device(); }
  float* address() { return data.address(); }
  const float* address() const { return data.address(); }
  Tensor To(const Device& to) const {
    Tensor copy;
    copy.shape = shape;
    copy.data = data.To(to);
    return copy;
  }
};

std::string ShapeText(const std::vector<int64_t>& shape);

}  // namespace sightline
