// KV storage in pages of 64 rows: sequences hold lists of pages, the pool has a byte budget.
#pragma once

#include <mutex>
#include <vector>

#include "compute/base/status.h"
#include "compute/device/buffer.h"

namespace sightline {

constexpr int32_t kPageRows = 64;  // W

// Pages of [W, G, D] floats on one device. Thread-safe.
class PagePool {
 public:
  PagePool(int64_t floats_per_page, int64_t budget_bytes, const Device& device = {})
      : floats_(floats_per_page), budget_bytes_(budget_bytes), device_(device) {}
  // RESOURCE_EXHAUSTED when the budget is used up.
  StatusOr<float*> Take();
  void Give(float* page);
  int64_t pages_in_use() const;
  const Device& device() const { return device_; }

 private:
  int64_t floats_, budget_bytes_;
  Device device_;
  mutable std::mutex mu_;
  std::vector<Buffer> owned_;
  std::vector<float*> free_;
};

// One sequence's pages of one layer's keys or values; gives them back when it goes.
class PageTable {
 public:
  explicit PageTable(PagePool* pool) : pool_(pool) {}
  ~PageTable();
  PageTable(PageTable&& other) noexcept : pool_(other.pool_), pages_(std::move(other.pages_)) { other.pages_.clear(); }
  PageTable(const PageTable&) = delete;
  PageTable& operator=(const PageTable&) = delete;
  PageTable& operator=(PageTable&&) = delete;

  Status Reserve(int32_t rows);
  const Device& device() const { return pool_->device(); }
  // The array is on the host, the pages on the device.
  const float* const* pages() const { return pages_.data(); }
  float* Row(int32_t r, int64_t row_floats) { return pages_[static_cast<size_t>(r / kPageRows)] + (r % kPageRows) * row_floats; }

 private:
  PagePool* pool_;
  std::vector<float*> pages_;
};

}  // namespace sightline
