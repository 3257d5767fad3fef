// Full KV pages that stay after their sequence has gone, found again by what they hold: the next
// prompt that starts with the same rows need not compute them.
#pragma once

#include <list>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "compute/kv/page_pool.h"

namespace sightline {

// Names the rows of a page and all rows before it; equal keys stand for equal pages.
using PageKey = std::string;

// Least recently used pages go first, those that end a prompt before those that begin it. Not
// thread-safe: belongs to the thread that owns the sequences.
class PrefixCache {
 public:
  explicit PrefixCache(PagePool* pool) : pool_(pool) {}
  ~PrefixCache();
  PrefixCache(const PrefixCache&) = delete;
  PrefixCache& operator=(const PrefixCache&) = delete;

  // The longest run of pages that begins `keys`, each held once more for the caller.
  std::vector<std::byte*> Find(std::span<const PageKey> keys);
  // Keeps the pages of a prompt's beginning, filled and never written again; keys that are here
  // already keep their page.
  void Keep(std::span<const PageKey> keys, std::span<std::byte* const> pages);
  // Gives back the page that was used longest ago of those that nobody else holds.
  bool DropOldest();
  int64_t size() const { return static_cast<int64_t>(by_key_.size()); }
  int64_t idle() const;  // pages that nobody else holds

 private:
  struct Entry {
    PageKey key;
    std::byte* page;
  };
  void Touch(std::span<const PageKey> keys);

  PagePool* pool_;
  std::list<Entry> entries_;  // used last first
  std::unordered_map<PageKey, std::list<Entry>::iterator> by_key_;
};

}  // namespace sightline
