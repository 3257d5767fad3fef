#include "compute/kv/prefix_cache.h"

#include <algorithm>
#include <iterator>

#include "compute/base/check.h"

namespace sightline {

PrefixCache::~PrefixCache() {
  for (const Entry& e : entries_) pool_->Give(e.page);
}

// The first page of a prompt last, so that the pages that need it are dropped before it.
void PrefixCache::Touch(std::span<const PageKey> keys) {
  for (size_t i = keys.size(); i-- > 0;) {
    entries_.splice(entries_.begin(), entries_, by_key_.at(keys[i]));
  }
}

std::vector<std::byte*> PrefixCache::Find(std::span<const PageKey> keys) {
  std::vector<std::byte*> pages;
  for (const PageKey& key : keys) {
    auto at = by_key_.find(key);
    if (at == by_key_.end()) break;
    pool_->Hold(at->second->page);
    pages.push_back(at->second->page);
  }
  Touch(keys.first(pages.size()));
  return pages;
}

void PrefixCache::Keep(std::span<const PageKey> keys, std::span<std::byte* const> pages) {
  SL_CHECK(keys.size() == pages.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    if (by_key_.contains(keys[i])) continue;
    pool_->Hold(pages[i]);
    entries_.push_front({keys[i], pages[i]});
    by_key_[keys[i]] = entries_.begin();
  }
  Touch(keys);
}

bool PrefixCache::DropOldest() {
  for (auto at = entries_.end(); at != entries_.begin();) {
    --at;
    if (!pool_->HeldOnce(at->page)) continue;
    pool_->Give(at->page);
    by_key_.erase(at->key);
    entries_.erase(at);
    return true;
  }
  return false;
}

int64_t PrefixCache::idle() const {
  return std::count_if(entries_.begin(), entries_.end(),
                       [&](const Entry& e) { return pool_->HeldOnce(e.page); });
}

}  // namespace sightline
