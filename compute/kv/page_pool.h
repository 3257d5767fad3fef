// KV storage in pages of 64 rows: sequences hold lists of pages, the pool has a byte budget.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "compute/base/status.h"

namespace sightline {

constexpr int32_t kPageRows = 64;  // W

// Pages of one size. Thread-safe.
class PagePool {
 public:
  PagePool(int64_t floats_per_page, int64_t budget_bytes)
      : floats_(floats_per_page), budget_bytes_(budget_bytes) {}
  // RESOURCE_EXHAUSTED when the budget is used up.
  StatusOr<float*> Take();
  void Give(float* page);
  int64_t floats_per_page() const { return floats_; }
  int64_t pages_in_use() const;

 private:
  int64_t floats_, budget_bytes_;
  mutable std::mutex mu_;
  std::vector<std::unique_ptr<float[]>> owned_;
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
  // Where each page holds the part: page p's rows start at pages(part)[p].
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
