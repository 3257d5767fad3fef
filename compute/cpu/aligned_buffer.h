// Bytes aligned to 64; large ones to 2 MiB with huge pages asked for, since a pass over gigabytes
// of weights otherwise spends its time in page walks. Contents start as zeros; a buffer of 256 KiB
// or more takes memory as it is written, and gives it back to the system when it goes.
#pragma once

#include <cstdint>
#include <utility>

namespace sightline {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(int64_t bytes);
  ~AlignedBuffer();
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  uint8_t* data() const { return data_; }
  int64_t size() const { return size_; }
  // For scratch: at least so many bytes, of any contents. The old ones go first.
  void Grow(int64_t bytes) {
    if (bytes <= size_) return;
    *this = AlignedBuffer();
    *this = AlignedBuffer(bytes);
  }

 private:
  uint8_t* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace sightline
