// A tensor as a weight file stores it, not yet read into numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "compute/weights/block_format.h"

namespace sightline {

struct StoredTensor {
  BlockFormat format = BlockFormat::kF32;
  std::vector<int64_t>
      shape;  // outermost first; rows along the last dimension lie one after another
  const void* data = nullptr;  // BytesOf(format, product of shape) bytes, of any alignment
  // Holds `data` while the tensor is in use; letting go of it may give back the memory that pages
  // of a mapped file took. May be empty.
  std::shared_ptr<const void> keep;

  int64_t count() const;
};

// Its numbers as float32.
std::vector<float> FloatsOf(const StoredTensor& tensor);

}  // namespace sightline
