// Named tensors of a checkpoint, whatever kind of file holds them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compute/weights/safetensors.h"

namespace sightline {

// Const and thread-safe after opening.
class WeightSource {
 public:
  virtual ~WeightSource() = default;
  // By the names that families know. `begin` and `end` tell the bytes that a tensor takes in the
  // file.
  virtual const std::map<std::string, TensorInfo>& tensors() const = 0;
  // A tensor that is there, as the file stores it: valid while the source lives. -1 in `expected`
  // matches any size. Errors name it as the file does.
  virtual StatusOr<StoredTensor> Stored(const std::string& name,
                                        const std::vector<int64_t>& expected) const = 0;
  // What the file calls a tensor, there or not: for errors.
  virtual std::string OwnName(const std::string& name) const { return name; }
};

}  // namespace sightline
