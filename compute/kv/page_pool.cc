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
    return ErrorWithReason(absl::StatusCode::kResourceExhausted, "KV_CACHE_FULL", "no room for this request's context at the moment; try again later");
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

PageTable::~PageTable() {
  for (float* p : pages_) pool_->Give(p);
}

Status PageTable::Reserve(int32_t rows) {
  while (static_cast<int64_t>(pages_.size()) * kPageRows < rows) {
    SL_ASSIGN_OR_RETURN(float* page, pool_->Take());
    pages_.push_back(page);
  }
  return absl::OkStatus();
}

}  // namespace sightline
