#include "compute/cpu/aligned_buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <new>

namespace sightline {
namespace {
constexpr int64_t kPage = 4096, kHuge = int64_t{2} << 20, kApart = int64_t{256} << 10;

int64_t RoundUp(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
bool Mapped(int64_t bytes) { return bytes >= kApart; }

// Mapped apart from the heap, whose holes would keep memory, and without its rounding to whole huge
// pages: the last part of a buffer is in small ones.
uint8_t* Map(int64_t bytes) {
  const int64_t length = RoundUp(bytes, kPage), room = bytes < kHuge ? length : length + kHuge;
  void* p = mmap(nullptr, static_cast<size_t>(room), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) throw std::bad_alloc();
  if (bytes < kHuge) return static_cast<uint8_t*>(p);
  auto* from = static_cast<uint8_t*>(p);
  const int64_t before =
      RoundUp(reinterpret_cast<intptr_t>(p), kHuge) - reinterpret_cast<intptr_t>(p);
  const int64_t after = room - before - length;
  if (before > 0) munmap(from, static_cast<size_t>(before));
  if (after > 0) munmap(from + before + length, static_cast<size_t>(after));
  // A refusal only costs speed.
  madvise(from + before, static_cast<size_t>(length), MADV_HUGEPAGE);
  return from + before;
}

}  // namespace

AlignedBuffer::AlignedBuffer(int64_t bytes) {
  if (bytes <= 0) return;
  if (Mapped(bytes)) {
    data_ = Map(bytes);
  } else {
    const auto rounded = static_cast<size_t>(RoundUp(bytes, 64));
    data_ = static_cast<uint8_t*>(std::aligned_alloc(64, rounded));
    if (!data_) throw std::bad_alloc();
    std::memset(data_, 0, rounded);
  }
  size_ = bytes;
}

AlignedBuffer::~AlignedBuffer() {
  if (Mapped(size_)) {
    munmap(data_, static_cast<size_t>(RoundUp(size_, kPage)));
  } else {
    std::free(data_);
  }
}

}  // namespace sightline
