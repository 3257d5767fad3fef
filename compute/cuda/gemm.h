// Matrix products by cuBLASLt, in full float32: no TF32, no lower precision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "compute/cuda/memory.h"
#include "compute/cuda/status.h"

namespace sightline::cuda {

// One a GPU. Thread-safe.
class Gemm {
 public:
  Gemm() = default;
  ~Gemm();
  Status Open(MemoryPool* pool);
  // y [M, N] = x [M, K] w [N, K]^T, rows contiguous.
  Status Run(const float* x, const float* w, int64_t m, int64_t n, int64_t k, float* y,
             cudaStream_t stream);

 private:
  std::mutex mu_;
  cublasLtHandle_t handle_ = nullptr;
  MemoryPool* pool_ = nullptr;
  void* workspace_ = nullptr;
};

}  // namespace sightline::cuda
