#include "compute/kv/page_pool.h"

namespace sightline {

StatusOr<float*> PagePool::Take() {
  std::lock_guard<std::mutex> lock(mu_);
  if (!free_.empty()) {
    float* p = free_.back();
    free_.pop_back();
    return p;
  }
  if (static_cast<int64_t>(owned_.size() + 1) * floats_ * 4 > budget_bytes_) {
    return ErrorWithReason(absl::StatusCode::kResourceExhausted, "KV_CACHE_FULL",
                           "no room for this request's context at the moment; try again later");
  }
  owned_.emplace_back(static_cast<size_t>(floats_), device_);
  return owned_.back().address();
}

void PagePool::Give(float* page) {
  std::lock_guard<std::mutex> lock(mu_);
  free_.push_back(page);
}

int64_t PagePool::pages_in_use() const {
  std::lock_guard<std::mutex> lock(mu_);
  return static_cast<int64_t>(owned_.size() - free_.size());
}

PageTable::PageTable(PageTable&& other) noexcept
    : pool_(other.pool_), views_(std::move(other.views_)) {
  other.views_.assign(1, {});
}

PageTable::~PageTable() {
  for (float* p : views_[0]) pool_->Give(p);
}

Status PageTable::Reserve(int32_t rows) {
  const int64_t part_floats = pool_->floats_per_page() / static_cast<int64_t>(views_.size());
  while (static_cast<int64_t>(views_[0].size()) * kPageRows < rows) {
    SL_ASSIGN_OR_RETURN(float* page, pool_->Take());
    for (std::vector<float*>& view : views_) {
      view.push_back(page);
      page += part_floats;
    }
  }
  return absl::OkStatus();
}

}  // namespace sightline
