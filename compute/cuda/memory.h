// Memory of one GPU, kept in a pool: the only place that asks CUDA for any.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <vector>

namespace sightline::cuda {

// Blocks in sizes of powers of two from 256 bytes, in steps of 2 MiB from 2 MiB on. All work of a
// GPU is in one stream, so a block that is given back may be handed out at once: what is still to
// run with it stands before what comes. Thread-safe.
class MemoryPool {
 public:
  explicit MemoryPool(int device) : device_(device) {}
  ~MemoryPool();
  // std::bad_alloc when the GPU has no more, even after all free blocks went back to it.
  void* Take(size_t bytes);
  void Give(void* p);

 private:
  void* Fresh(size_t bytes);
  int device_;
  std::mutex mu_;
  std::map<size_t, std::vector<void*>> free_;  // by size
  std::map<void*, size_t> sizes_;              // of all blocks
};

}  // namespace sightline::cuda
