#include "compute/device/device.h"

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"
#include "compute/backend/backend.h"
#include "compute/cpu/cpu_backend.h"

namespace sightline {

StatusOr<Device> Device::Open(const std::string& name) {
  if (name == "cpu") return Device();
  absl::string_view rest = name;
  int index = 0;
  if (!absl::ConsumePrefix(&rest, "cuda") ||
      !(rest.empty() ||
        (absl::ConsumePrefix(&rest, ":") && absl::SimpleAtoi(rest, &index) && index >= 0))) {
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "DEVICE_UNKNOWN",
                           "a device is \"cpu\", \"cuda\" or \"cuda:N\"", "device");
  }
  SL_ASSIGN_OR_RETURN(auto backend, OpenCudaBackend(index));
  return Device(std::move(backend));
}

std::string Device::name() const { return backend().name(); }

Backend& Device::backend() const { return backend_ ? *backend_ : CpuBackend(); }

std::vector<Device> AllDevices() {
  std::vector<Device> all(1);
  for (int i = 0;; ++i) {
    auto backend = OpenCudaBackend(i);
    if (!backend.ok()) return all;
    all.emplace_back(*std::move(backend));
  }
}

}  // namespace sightline
