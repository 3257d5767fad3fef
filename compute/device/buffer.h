// Numbers on one device. A value like std::vector<float>: copies are deep, and on the host it reads
// like one. Elements of another device's buffer are read by copying them over (To, host()).
#pragma once

#include <cstddef>
#include <vector>

#include "compute/base/check.h"
#include "compute/device/device.h"

namespace sightline {

// Bytes of a device other than the host, from its pool and back to it. Move-only.
class DeviceBytes {
 public:
  DeviceBytes() = default;
  DeviceBytes(const Device& device, size_t bytes);  // contents undefined
  ~DeviceBytes();
  DeviceBytes(DeviceBytes&& other) noexcept;
  DeviceBytes& operator=(DeviceBytes&& other) noexcept;

  void* data() const { return data_; }
  const Device& device() const { return device_; }

 private:
  Device device_;
  void* data_ = nullptr;
};

class Buffer {
 public:
  using value_type = float;
  using iterator = float*;
  using const_iterator = const float*;
  using reference = float&;
  using const_reference = const float&;
  using size_type = size_t;
  using difference_type = std::ptrdiff_t;

  Buffer() = default;
  explicit Buffer(size_t n) : host_(n), size_(n) {}  // zeros on the host
  Buffer(size_t n, const Device& device);            // zeros
  // The values of a vector, and back: what keeps host code short.
  Buffer(std::vector<float> values) : host_(std::move(values)), size_(host_.size()) {}
  operator std::vector<float>() const& { return Host(); }
  operator std::vector<float>() &&;

  Buffer(const Buffer& other) { *this = other; }
  Buffer& operator=(const Buffer& other);
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const Device& device() const { return bytes_.device(); }  // the host when empty
  bool on_host() const { return bytes_.data() == nullptr; }

  // Wherever they lie: for ops, which run there.
  float* address() { return on_host() ? host_.data() : static_cast<float*>(bytes_.data()); }
  const float* address() const { return const_cast<Buffer*>(this)->address(); }

  Buffer To(const Device& device) const;
  std::vector<float> Host() const;  // a copy

  // Only on the host: anything else is our mistake.
  float* data() { return Checked().data(); }
  const float* data() const { return const_cast<Buffer*>(this)->data(); }
  float& operator[](size_t i) { return Checked()[i]; }
  const float& operator[](size_t i) const { return (*const_cast<Buffer*>(this))[i]; }
  float* begin() { return data(); }
  float* end() { return data() + size_; }
  const float* begin() const { return data(); }
  const float* end() const { return data() + size_; }
  void assign(size_t n, float value) { *this = std::vector<float>(n, value); }
  void resize(size_t n) {
    Checked().resize(n);
    size_ = n;
  }

  friend bool operator==(const Buffer& a, const Buffer& b) { return a.Host() == b.Host(); }

 private:
  std::vector<float>& Checked() {
    SL_CHECK(on_host());
    return host_;
  }
  std::vector<float> host_;
  DeviceBytes bytes_;
  size_t size_ = 0;
};

}  // namespace sightline
