#include "compute/cpu/aligned_buffer.h"

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace sightline {
namespace {
constexpr int64_t kHuge = int64_t{2} << 20;
int64_t RoundUp(int64_t n, int64_t to) { return (n + to - 1) / to * to; }
}  // namespace

AlignedBuffer::AlignedBuffer(int64_t bytes) : size_(bytes) {
  if (bytes <= 0) return;
  bool huge = bytes >= kHuge;
  int64_t rounded = RoundUp(bytes, huge ? kHuge : 64);
  void* p =
      std::aligned_alloc(static_cast<size_t>(huge ? kHuge : 64), static_cast<size_t>(rounded));
  if (!p) throw std::bad_alloc();
  // A refusal only costs speed.
  if (huge) madvise(p, static_cast<size_t>(rounded), MADV_HUGEPAGE);
  std::memset(p, 0, static_cast<size_t>(rounded));
  data_.reset(static_cast<uint8_t*>(p));
}

}  // namespace sightline
