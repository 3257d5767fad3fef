#include "compute/device/buffer.h"

#include <utility>

#include "compute/backend/backend.h"

namespace sightline {

DeviceBytes::DeviceBytes(const Device& device, size_t bytes) : device_(device) {
  if (!device.is_host() && bytes > 0) data_ = device.backend().Allocate(bytes);
}

DeviceBytes::~DeviceBytes() {
  if (data_) device_.backend().Release(data_);
}

DeviceBytes::DeviceBytes(DeviceBytes&& other) noexcept { *this = std::move(other); }

DeviceBytes& DeviceBytes::operator=(DeviceBytes&& other) noexcept {
  std::swap(device_, other.device_);
  std::swap(data_, other.data_);
  return *this;
}

Buffer::Buffer(size_t n, const Device& device) : size_(n) {
  if (device.is_host()) {
    host_.resize(n);
  } else if (n > 0) {
    bytes_ = DeviceBytes(device, n * sizeof(float));
    device.backend().Zero(bytes_.data(), n * sizeof(float));
  }
}

Buffer::operator std::vector<float>() && {
  if (!on_host()) return Host();
  size_ = 0;
  return std::exchange(host_, {});
}

Buffer& Buffer::operator=(const Buffer& other) {
  if (this == &other) return *this;
  *this = other.To(other.device());
  return *this;
}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  host_ = std::exchange(other.host_, {});
  bytes_ = std::exchange(other.bytes_, DeviceBytes());
  size_ = std::exchange(other.size_, 0);
  return *this;
}

Buffer Buffer::To(const Device& to) const {
  Buffer out;
  if (empty()) return out;
  size_t bytes = size_ * sizeof(float);
  if (to.is_host()) {
    out.host_ = Host();
  } else {
    out.bytes_ = DeviceBytes(to, bytes);
    if (on_host()) {
      to.backend().FromHost(host_.data(), bytes, out.bytes_.data());
    } else if (device() == to) {
      to.backend().CopyWithin(bytes_.data(), bytes, out.bytes_.data());
    } else {
      std::vector<float> between = Host();
      to.backend().FromHost(between.data(), bytes, out.bytes_.data());
    }
  }
  out.size_ = size_;
  return out;
}

std::vector<float> Buffer::Host() const {
  if (on_host()) return host_;
  std::vector<float> values(size_);
  device().backend().ToHost(bytes_.data(), size_ * sizeof(float), values.data());
  return values;
}

}  // namespace sightline
