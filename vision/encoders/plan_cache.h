// What selectors made for sizes seen before: made once, shared, and bounded in number.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace sightline::vision {

// Thread-safe. A full cache starts afresh; plans that are in use live on.
template <typename Key, typename Plan>
class PlanCache {
 public:
  std::shared_ptr<const Plan> Get(const Key& key, const std::function<Plan()>& make) {
    constexpr size_t kMost = 32;
    {
      std::lock_guard<std::mutex> lock(mu_);
      if (auto it = plans_.find(key); it != plans_.end()) return it->second;
    }
    auto plan = std::make_shared<const Plan>(make());
    std::lock_guard<std::mutex> lock(mu_);
    if (plans_.size() >= kMost) plans_.clear();
    return plans_.emplace(key, std::move(plan)).first->second;
  }

 private:
  std::mutex mu_;
  std::map<Key, std::shared_ptr<const Plan>> plans_;
};

}  // namespace sightline::vision
