// Bytes aligned to 64; large ones to 2 MiB with huge pages asked for, since a pass over gigabytes
// of weights otherwise spends its time in page walks. Contents start as zeros.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace sightline {

class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(int64_t bytes);
  uint8_t* data() const { return data_.get(); }
  int64_t size() const { return size_; }

 private:
  struct Free {
    void operator()(uint8_t* p) const { std::free(p); }
  };
  std::unique_ptr<uint8_t[], Free> data_;
  int64_t size_ = 0;
};

}  // namespace sightline
