// CUDA's and cuBLAS's return codes.
#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>

#include "compute/base/status.h"

namespace sightline::cuda {

// INTERNAL with the call's name and CUDA's word for the error.
Status ToStatus(cudaError_t error, const char* call);
Status ToStatus(cublasStatus_t error, const char* call);
// Ends the process: for calls that fail only when the device is lost or by our mistake, where no
// caller could go on.
void Check(cudaError_t error, const char* call);
// What the launch that just happened says.
Status Launched(const char* op);

}  // namespace sightline::cuda
