#include "compute/weights/stored_tensor.h"

namespace sightline {

int64_t StoredTensor::count() const {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  return n;
}

std::vector<float> FloatsOf(const StoredTensor& tensor) {
  std::vector<float> out(static_cast<size_t>(tensor.count()));
  DequantizeRow(tensor.format, tensor.data, tensor.count(), out.data());
  return out;
}

}  // namespace sightline
