// Host arrays that one launch reads, on the GPU until the end of the call.
#pragma once

#include <vector>

#include "compute/backend/backend.h"

namespace sightline::cuda {

class Uploads {
 public:
  explicit Uploads(Backend* backend) : backend_(backend) {}
  Uploads(const Uploads&) = delete;
  Uploads& operator=(const Uploads&) = delete;
  ~Uploads() {
    for (void* p : taken_) backend_->Release(p);
  }
  // Null for an empty array.
  template <typename T>
  const T* Put(const T* values, size_t n) {
    if (n == 0) return nullptr;
    void* p = Room(n * sizeof(T));
    backend_->FromHost(values, n * sizeof(T), p);
    return static_cast<const T*>(p);
  }
  template <typename T>
  const T* Put(const std::vector<T>& values) {
    return Put(values.data(), values.size());
  }
  void* Room(size_t bytes) {
    taken_.push_back(backend_->Allocate(bytes));
    return taken_.back();
  }

 private:
  Backend* backend_;
  std::vector<void*> taken_;
};

}  // namespace sightline::cuda
