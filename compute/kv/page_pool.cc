#include "compute/kv/page_pool.h"

#include "compute/base/check.h"

namespace sightline {

StatusOr<float*> PagePool::TakeFree() {
  std::lock_guard<std::mutex> lock(mu_);
  float* page = nullptr;
  if (!free_.empty()) {
    page = free_.back();
    free_.pop_back();
  } else if (static_cast<int64_t>(owned_.size()) < capacity()) {
    owned_.emplace_back(static_cast<size_t>(floats_), device_);
    page = owned_.back().address();
  } else {
    return ErrorWithReason(absl::StatusCode::kResourceExhausted, "KV_CACHE_FULL",
                           "no room for this request's context at the moment; try again later");
  }
  holders_[page] = 1;
  return page;
}

StatusOr<float*> PagePool::Take() {
  for (;;) {
    auto page = TakeFree();
    if (page.ok() || !reclaim_ || !reclaim_()) return page;
  }
}

void PagePool::Hold(float* page) {
  std::lock_guard<std::mutex> lock(mu_);
  auto at = holders_.find(page);
  SL_CHECK(at != holders_.end());
  ++at->second;
}

void PagePool::Give(float* page) {
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

bool PagePool::HeldOnce(float* page) const {
  std::lock_guard<std::mutex> lock(mu_);
  auto at = holders_.find(page);
  return at != holders_.end() && at->second == 1;
}

PageTable::PageTable(PageTable&& other) noexcept
    : pool_(other.pool_), views_(std::move(other.views_)) {
  other.views_.assign(1, {});
}

PageTable::~PageTable() {
  for (float* p : views_[0]) pool_->Give(p);
}

void PageTable::Append(float* page) {
  const int64_t part_floats = pool_->floats_per_page() / static_cast<int64_t>(views_.size());
  for (std::vector<float*>& view : views_) {
    view.push_back(page);
    page += part_floats;
  }
}

Status PageTable::Reserve(int32_t rows) {
  while (size() * kPageRows < rows) {
    SL_ASSIGN_OR_RETURN(float* page, pool_->Take());
    Append(page);
  }
  return absl::OkStatus();
}

}  // namespace sightline
