#include "compute/cuda/memory.h"

#include <cuda_runtime.h>

#include <new>

#include "compute/cuda/status.h"

namespace sightline::cuda {
namespace {

size_t Rounded(size_t bytes) {
  constexpr size_t kLarge = size_t{2} << 20;
  if (bytes >= kLarge) return (bytes + kLarge - 1) / kLarge * kLarge;
  size_t size = 256;
  while (size < bytes) size *= 2;
  return size;
}

}  // namespace

MemoryPool::~MemoryPool() {
  // The context may be gone already when a process ends: nothing to do about a failure here.
  static_cast<void>(cudaSetDevice(device_));
  for (const auto& [p, size] : sizes_) static_cast<void>(cudaFree(p));
}

void* MemoryPool::Fresh(size_t bytes) {
  void* p = nullptr;
  cudaError_t error = cudaMalloc(&p, bytes);
  if (error == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());  // it is handled here
    return nullptr;
  }
  Check(error, "cudaMalloc");
  return p;
}

void* MemoryPool::Take(size_t bytes) {
  size_t size = Rounded(bytes);
  std::lock_guard<std::mutex> lock(mu_);
  std::vector<void*>& of_size = free_[size];
  if (!of_size.empty()) {
    void* p = of_size.back();
    of_size.pop_back();
    return p;
  }
  void* p = Fresh(size);
  if (!p) {
    for (auto& [other, blocks] : free_) {
      for (void* block : blocks) {
        Check(cudaFree(block), "cudaFree");
        sizes_.erase(block);
      }
      blocks.clear();
    }
    p = Fresh(size);
  }
  if (!p) throw std::bad_alloc();
  sizes_[p] = size;
  return p;
}

void MemoryPool::Give(void* p) {
  std::lock_guard<std::mutex> lock(mu_);
  free_[sizes_.at(p)].push_back(p);
}

}  // namespace sightline::cuda
