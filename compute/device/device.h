// Where numbers live and ops run: the host, or one GPU.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compute/base/status.h"

namespace sightline {

class Backend;

// A handle, cheap to copy. The device's stream, pool and library handles go with the last handle or
// buffer that names it. Thread-safe.
class Device {
 public:
  Device() = default;  // the host
  explicit Device(std::shared_ptr<Backend> backend) : backend_(std::move(backend)) {}
  // "cpu", "cuda" (the first GPU) or "cuda:N". INVALID_ARGUMENT for other names, UNIMPLEMENTED
  // when this build has no such backend, UNAVAILABLE when the machine has no such GPU.
  static StatusOr<Device> Open(const std::string& name);

  bool is_host() const { return backend_ == nullptr; }
  std::string name() const;
  Backend& backend() const;  // the CPU's for the host
  bool operator==(const Device&) const = default;

 private:
  std::shared_ptr<Backend> backend_;
};

// compute/cuda/ or compute/none/, whichever is linked. One backend a GPU: opening one that is open
// gives it again.
StatusOr<std::shared_ptr<Backend>> OpenCudaBackend(int index);
// "cpu" and every GPU that can be opened.
std::vector<Device> AllDevices();

}  // namespace sightline
