// Reference tensors of one golden.safetensors: floats and 32-bit integers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compute/weights/safetensors.h"

namespace sightline::parity {

class GoldenFile {
 public:
  static StatusOr<std::unique_ptr<GoldenFile>> Open(const std::string& path);
  bool Has(const std::string& name) const { return tensors_.contains(name); }
  const std::map<std::string, TensorInfo>& tensors() const { return tensors_; }
  // F32 alone; INVALID_ARGUMENT when missing or of another type.
  StatusOr<Tensor> Floats(const std::string& name) const;
  StatusOr<std::vector<int32_t>> Ints(const std::string& name) const;

 private:
  StatusOr<const TensorInfo*> Find(const std::string& name, const std::string& dtype) const;
  std::string bytes_;
  uint64_t begin_ = 0;
  std::map<std::string, TensorInfo> tensors_;
};

}  // namespace sightline::parity
