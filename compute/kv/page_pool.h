// KV storage in pages of 64 rows: sequences hold lists of pages, the pool has a byte budget.
#pragma once

#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "compute/base/status.h"
#include "compute/device/buffer.h"

namespace sightline {

constexpr int32_t kPageRows = 64;  // W

// Pages of one size on one device, each with a count of its holders. Thread-safe.
class PagePool {
 public:
  PagePool(int64_t floats_per_page, int64_t budget_bytes, const Device& device = {})
      : floats_(floats_per_page), budget_bytes_(budget_bytes), device_(device) {}
  // A page with one holder. RESOURCE_EXHAUSTED when the budget is used up and nothing can be
  // reclaimed.
  StatusOr<float*> Take();
  void Hold(float* page);  // one holder more
  void Give(float* page);  // one less; the page of none is free
  // Asked for a page that can be given back, when the budget is used up; false: there is none. Set
  // before the first Take; called on the thread that takes.
  void set_reclaim(std::function<bool()> reclaim) { reclaim_ = std::move(reclaim); }

  int64_t floats_per_page() const { return floats_; }
  int64_t capacity() const { return budget_bytes_ / (floats_ * 4); }  // pages
  int64_t pages_in_use() const;
  bool HeldOnce(float* page) const;
  const Device& device() const { return device_; }

 private:
  StatusOr<float*> TakeFree();

  int64_t floats_, budget_bytes_;
  Device device_;
  std::function<bool()> reclaim_;
  mutable std::mutex mu_;
  std::vector<Buffer> owned_;
  std::vector<float*> free_;
  std::unordered_map<float*, int> holders_;  // of pages in use
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
  // Appends a page that others have filled and that is held for this table. It must not be written.
  void Append(float* page);
  int64_t size() const { return static_cast<int64_t>(views_[0].size()); }  // pages
  float* page(int64_t i) const { return views_[0][static_cast<size_t>(i)]; }
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
