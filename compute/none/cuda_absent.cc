// Linked where the CUDA backend is not built.
#include "compute/device/device.h"

namespace sightline {

StatusOr<std::shared_ptr<Backend>> OpenCudaBackend(int index) {
  return ErrorWithReason(
      absl::StatusCode::kUnimplemented, "BACKEND_NOT_BUILT",
      "OpenDevice cuda:" + std::to_string(index) + ": this build has no CUDA backend", "device");
}

}  // namespace sightline
