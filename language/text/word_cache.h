// Remembers the ids of short words. One table a thread, shared by all tokenizers, 1 MiB once used.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace sightline::language {

class WordCache {
 public:
  static constexpr size_t kMaxBytes = 24, kMaxIds = 8;

  struct Entry {
    char word[kMaxBytes];
    int32_t ids[kMaxIds];
    uint32_t owner;  // the tokenizer; 0: empty
    uint8_t bytes, count;
  };
  static_assert(sizeof(Entry) == 64);

  static WordCache& OfThread() {
    thread_local WordCache cache;
    return cache;
  }

  // The place of `word` (1 to kMaxBytes bytes) for `owner` > 0; `*hit` says whether it holds its
  // ids already.
  Entry* Find(uint32_t owner, std::string_view word, bool* hit) {
    if (!entries_) entries_.reset(static_cast<Entry*>(std::calloc(kEntries, sizeof(Entry))));
    char key[kMaxBytes] = {};
    std::memcpy(key, word.data(), word.size());
    uint64_t part[3];
    std::memcpy(part, key, sizeof part);
    uint64_t h = (part[0] ^ owner) * 0x9E3779B97F4A7C15ull;
    h = (h ^ h >> 29 ^ part[1]) * 0xBF58476D1CE4E5B9ull;
    h = (h ^ h >> 32 ^ part[2] ^ word.size()) * 0x94D049BB133111EBull;
    Entry* e = &entries_[h >> (64 - kBits)];
    *hit =
        e->owner == owner && e->bytes == word.size() && std::memcmp(e->word, key, kMaxBytes) == 0;
    return e;
  }
  static void Fill(Entry* e, uint32_t owner, std::string_view word, const int32_t* ids,
                   size_t count) {
    if (count > kMaxIds) return;
    std::memset(e->word, 0, kMaxBytes);
    std::memcpy(e->word, word.data(), word.size());
    std::memcpy(e->ids, ids, count * sizeof(int32_t));
    e->owner = owner;
    e->bytes = static_cast<uint8_t>(word.size());
    e->count = static_cast<uint8_t>(count);
  }

 private:
  static constexpr int kBits = 14;
  static constexpr size_t kEntries = size_t{1} << kBits;
  struct Free {
    void operator()(Entry* e) const { std::free(e); }
  };
  std::unique_ptr<Entry[], Free> entries_;  // pages come as they are touched
};

}  // namespace sightline::language
