#include "compute/cuda/status.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace sightline::cuda {
namespace {

Status Failed(const char* call, const char* what) {
  return ErrorWithReason(absl::StatusCode::kInternal, "CUDA_FAILED",
                         std::string(call) + ": " + what);
}

}  // namespace

Status ToStatus(cudaError_t error, const char* call) {
  return error == cudaSuccess ? absl::OkStatus() : Failed(call, cudaGetErrorString(error));
}

Status ToStatus(cublasStatus_t error, const char* call) {
  return error == CUBLAS_STATUS_SUCCESS ? absl::OkStatus()
                                        : Failed(call, cublasLtGetStatusString(error));
}

void Check(cudaError_t error, const char* call) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", call, cudaGetErrorString(error));
  std::abort();
}

Status Launched(const char* op) { return ToStatus(cudaGetLastError(), op); }

}  // namespace sightline::cuda
