// KV storage in pages of 64 rows: sequences hold lists of pages, the pool has a byte budget.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "compute/base/status.h"

namespace sightline {

constexpr int32_t kPageRows = 64;  // W

// Pages of [W, G, D] floats. Thread-safe.
class PagePool {
 public:
  PagePool(int64_t floats_per_page, int64_t budget_bytes) : floats_(floats_per_page), budget_bytes_(budget_bytes) {}
  // RESOURCE_EXHAUSTED when the budget is used up.
  StatusOr<float*> Take();
  void Give(float* page);
  int64_t pages_in_use() const;

 private:
  int64_t floats_, budget_bytes_;
  mutable std::mutex mu_;
  std::vector<std::unique_ptr<float[]>> owned_;
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
  const float* const* pages() const { return pages_.data(); }
  float* Row(int32_t r, int64_t row_floats) { return pages_[static_cast<size_t>(r / kPageRows)] + (r % kPageRows) * row_floats; }

 private:
  PagePool* pool_;
  std::vector<float*> pages_;
};

}  // namespace sightline
