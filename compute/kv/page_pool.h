// KV storage in pages of 64 rows: sequences hold lists of pages, the pool has a byte budget.
#pragma once

#include <mutex>
#include <vector>

#include "compute/base/status.h"
#include "compute/device/buffer.h"

namespace sightline {

constexpr int32_t kPageRows = 64;  // W

// Pages of one size on one device. Thread-safe.
class PagePool {
 public:
  PagePool(int64_t floats_per_page, int64_t budget_bytes, const Device& device = {})
      : floats_(floats_per_page), budget_bytes_(budget_bytes), device_(device) {}
  // RESOURCE_EXHAUSTED when the budget is used up.
  StatusOr<float*> Take();
  void Give(float* page);
  int64_t floats_per_page() const { return floats_; }
  int64_t pages_in_use() const;
  const Device& device() const { return device_; }

 private:
  int64_t floats_, budget_bytes_;
  Device device_;
  mutable std::mutex mu_;
  std::vector<Buffer> owned_;
  std::vector<float*> free_;
};

// One sequence's pages; gives them back when it goes. A page holds W rows of every part (the keys
// or the values of one layer), part after part: [parts, W, row].
class PageTable {
 public:
  explicit PageTable(PagePool* pool, int64_t parts = 1)
      : pool_(pool), views_(static_cast<size_t>(parts)) {}
  ~PageTable();
  PageTable(PageTable&& other) noexcept;
  PageTable(const PageTable&) = delete;
  PageTable& operator=(const PageTable&) = delete;
  PageTable& operator=(PageTable&&) = delete;

  Status Reserve(int32_t rows);
  const Device& device() const { return pool_->device(); }
  // Where each page holds the part: page p's rows start at pages(part)[p]. The array is on the
  // host, the pages are on the device.
  const float* const* pages(int64_t part = 0) const {
    return views_[static_cast<size_t>(part)].data();
  }
  float* Row(int32_t r, int64_t row_floats, int64_t part = 0) {
    return views_[static_cast<size_t>(part)][static_cast<size_t>(r / kPageRows)] +
           (r % kPageRows) * row_floats;
  }

 private:
  PagePool* pool_;
  std::vector<std::vector<float*>> views_;  // [parts][pages]; those of part 0 are the pages
};

}  // namespace sightline
