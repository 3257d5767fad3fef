// Memory-mapped safetensors file; every count and offset is checked before use.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compute/base/tensor.h"
#include "compute/weights/stored_tensor.h"

namespace sightline {

struct TensorInfo {
  std::string dtype;  // "F32", "BF16", "F16", "I32", "U8", ...
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;  // bytes within the data section
};

// Parses and checks a whole file's bytes: header length, JSON, dtypes, shape products, no name
// twice, and tensors that cover the data section without overlap or hole.
StatusOr<std::map<std::string, TensorInfo>> ParseSafetensors(std::string_view file,
                                                             uint64_t* data_begin);

class WeightFile {
 public:
  static StatusOr<std::shared_ptr<WeightFile>> Open(const std::string& path);
  ~WeightFile();
  WeightFile(const WeightFile&) = delete;
  WeightFile& operator=(const WeightFile&) = delete;

  const std::map<std::string, TensorInfo>& tensors() const { return tensors_; }
  // Converts F32, BF16 or F16 to float32. The expected shape is checked and named in the error; -1
  // matches any size.
  StatusOr<Tensor> Read(const std::string& name, const std::vector<int64_t>& expected) const;
  // The same as the file stores it, not copied: valid while the file is open. Letting go of `keep`
  // gives the pages back.
  StatusOr<StoredTensor> Stored(const std::string& name,
                                const std::vector<int64_t>& expected) const;
  uint64_t size_bytes() const { return size_; }

 private:
  WeightFile() = default;
  const char* map_ = nullptr;
  uint64_t size_ = 0, data_begin_ = 0;
  std::map<std::string, TensorInfo> tensors_;
};

}  // namespace sightline
