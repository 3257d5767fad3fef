// KV storage in pages of 64 rows: sequences hold lists of pages, the pool has a byte budget.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "compute/base/status.h"
#include "compute/cpu/aligned_buffer.h"
#include "compute/device/buffer.h"
#include "compute/kv/kv_format.h"

namespace sightline {

constexpr int32_t kPageRows = 64;  // W

// Pages of one size and format on one device, each with a count of its holders. Thread-safe. A page
// is its first byte; on the host it is aligned to 64.
class PagePool {
 public:
  // Other devices than the host have float32 alone.
  PagePool(int64_t page_numbers, int64_t budget_bytes, const Device& device = {},
           KvFormat format = KvFormat::kF32);
  // A page with one holder. RESOURCE_EXHAUSTED when the budget is used up and nothing can be
  // reclaimed.
  StatusOr<std::byte*> Take();
  void Hold(std::byte* page);  // one holder more
  void Give(std::byte* page);  // one less; the page of none is free
  // Asked for a page that can be given back, when the budget is used up; false: there is none. Set
  // before the first Take; called on the thread that takes.
  void set_reclaim(std::function<bool()> reclaim) { reclaim_ = std::move(reclaim); }

  KvFormat format() const { return format_; }
  int64_t page_bytes() const { return page_bytes_; }
  int64_t capacity() const { return budget_bytes_ / page_bytes_; }  // pages
  int64_t pages_in_use() const;
  bool HeldOnce(std::byte* page) const;
  const Device& device() const { return device_; }

 private:
  StatusOr<std::byte*> TakeFree();
  void Grow();  // adds free pages

  KvFormat format_;
  int64_t page_bytes_, budget_bytes_;
  Device device_;
  std::function<bool()> reclaim_;
  mutable std::mutex mu_;
  std::vector<AlignedBuffer> slabs_;  // each of several pages, on the host
  std::vector<DeviceBytes> device_pages_;
  int64_t made_ = 0;  // pages
  std::vector<std::byte*> free_;
  std::unordered_map<std::byte*, int> holders_;  // of pages in use
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
  void Append(std::byte* page);
  int64_t size() const { return static_cast<int64_t>(views_[0].size()); }  // pages
  std::byte* page(int64_t i) const { return views_[0][static_cast<size_t>(i)]; }
  const Device& device() const { return pool_->device(); }
  KvFormat format() const { return pool_->format(); }
  // Where each page holds the part: page p's rows start at pages(part)[p]. The array is on the
  // host, the pages are on the device.
  const void* const* pages(int64_t part = 0) const {
    return reinterpret_cast<const void* const*>(views_[static_cast<size_t>(part)].data());
  }
  std::byte* Row(int32_t r, int64_t row_numbers, int64_t part = 0) {
    return views_[static_cast<size_t>(part)][static_cast<size_t>(r / kPageRows)] +
           r % kPageRows * row_numbers * BytesOf(format());
  }

 private:
  PagePool* pool_;
  std::vector<std::vector<std::byte*>> views_;  // [parts][pages]; those of part 0 are the pages
};

}  // namespace sightline
