#include "compute/kv/page_pool.h"

#include <algorithm>

#include "compute/backend/backend.h"
#include "compute/base/check.h"

namespace sightline {

namespace {
constexpr int64_t kSlabBytes = int64_t{16} << 20;
}

PagePool::PagePool(int64_t page_numbers, int64_t budget_bytes, const Device& device,
                   KvFormat format)
    : format_(format),
      page_bytes_(page_numbers * BytesOf(format)),
      budget_bytes_(budget_bytes),
      device_(device) {
  SL_CHECK(device.is_host() || format == KvFormat::kF32);
}

// On the host as many pages as there are, up to a size that huge pages suit.
void PagePool::Grow() {
  if (!device_.is_host()) {
    device_pages_.emplace_back(device_, static_cast<size_t>(page_bytes_));
    void* page = device_pages_.back().data();
    device_.backend().Zero(page, static_cast<size_t>(page_bytes_));
    free_.push_back(static_cast<std::byte*>(page));
    ++made_;
    return;
  }
  const int64_t stride = (page_bytes_ + 63) / 64 * 64;
  const int64_t most = std::min(capacity() - made_, std::max<int64_t>(1, kSlabBytes / stride));
  const int64_t pages = std::clamp<int64_t>(made_, 1, most);
  slabs_.emplace_back(pages * stride);
  for (int64_t i = pages; i-- > 0;) {
    free_.push_back(reinterpret_cast<std::byte*>(slabs_.back().data()) + i * stride);
  }
  made_ += pages;
}

StatusOr<std::byte*> PagePool::TakeFree() {
  std::lock_guard<std::mutex> lock(mu_);
  if (free_.empty() && made_ < capacity()) Grow();
  if (free_.empty()) {
    return ErrorWithReason(
        absl::StatusCode::kResourceExhausted, "KV_CACHE_FULL",
        "this request's context needs more room for keys and values than there is; "
        "the setting kv_mib says how much");
  }
  std::byte* page = free_.back();
  free_.pop_back();
  holders_[page] = 1;
  return page;
}

StatusOr<std::byte*> PagePool::Take() {
  for (;;) {
    auto page = TakeFree();
    if (page.ok() || !reclaim_ || !reclaim_()) return page;
  }
}

void PagePool::Hold(std::byte* page) {
  std::lock_guard<std::mutex> lock(mu_);
  auto at = holders_.find(page);
  SL_CHECK(at != holders_.end());
  ++at->second;
}

void PagePool::Give(std::byte* page) {
  std::lock_guard<std::mutex> lock(mu_);
  auto at = holders_.find(page);
  SL_CHECK(at != holders_.end());
  if (--at->second > 0) return;
  holders_.erase(at);
  free_.push_back(page);
}

int64_t PagePool::pages_in_use() const {
  std::lock_guard<std::mutex> lock(mu_);
  return static_cast<int64_t>(holders_.size());
}

bool PagePool::HeldOnce(std::byte* page) const {
  std::lock_guard<std::mutex> lock(mu_);
  auto at = holders_.find(page);
  return at != holders_.end() && at->second == 1;
}

PageTable::PageTable(PageTable&& other) noexcept
    : pool_(other.pool_), views_(std::move(other.views_)) {
  other.views_.assign(1, {});
}

PageTable::~PageTable() {
  for (std::byte* p : views_[0]) pool_->Give(p);
}

void PageTable::Append(std::byte* page) {
  const int64_t part_bytes = pool_->page_bytes() / static_cast<int64_t>(views_.size());
  for (std::vector<std::byte*>& view : views_) {
    view.push_back(page);
    page += part_bytes;
  }
}

Status PageTable::Reserve(int32_t rows) {
  while (size() * kPageRows < rows) {
    SL_ASSIGN_OR_RETURN(std::byte * page, pool_->Take());
    Append(page);
  }
  return absl::OkStatus();
}

}  // namespace sightline
