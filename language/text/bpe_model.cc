#include "language/text/bpe_model.h"

#include <algorithm>
#include <atomic>
#include <climits>
#include <queue>

#include "language/text/unicode.h"
#include "language/text/word_cache.h"

namespace sightline::language {
namespace {

constexpr size_t kShortWord = 32;  // symbols; up to here a scan beats a queue
constexpr std::string_view kMark = "\xE2\x96\x81";
constexpr uint32_t kNoRank = UINT_MAX;

uint32_t NextSerial() {
  static std::atomic<uint32_t> serial{0};
  return ++serial;
}

// End of the part that begins at `pos`: before the next mark that follows another character.
size_t PartEnd(std::string_view word, size_t pos) {
  while (word.substr(pos).starts_with(kMark)) pos += kMark.size();
  return std::min(word.find(kMark, pos), word.size());
}

}  // namespace

BpeModel::BpeModel() : serial_(NextSerial()) { byte_ids_.fill(-1); }

void BpeModel::EncodeWord(std::string_view word, std::vector<int32_t>* out) const {
  if (word.empty()) return;
  if (!cut_at_marks_) return EncodePlain(word, out);
  for (size_t pos = 0; pos < word.size();) {
    size_t end = PartEnd(word, pos);
    EncodePlain(word.substr(pos, end - pos), out);
    pos = end;
  }
}

void BpeModel::EncodePlain(std::string_view word, std::vector<int32_t>* out) const {
  WordCache::Entry* entry = nullptr;
  if (word.size() <= WordCache::kMaxBytes) {
    bool hit = false;
    entry = WordCache::OfThread().Find(serial_, word, &hit);
    if (hit) {
      out->insert(out->end(), entry->ids, entry->ids + entry->count);
      return;
    }
  }
  size_t from = out->size();
  auto whole = ignore_merges_ ? words_.find(word) : words_.end();
  if (whole != words_.end()) {
    out->push_back(whole->second);
  } else {
    Symbols(word, out);
    size_t n = out->size() - from;
    int32_t* ids = out->data() + from;
    out->resize(from + (n <= kShortWord ? MergeShort(ids, n) : MergeLong(ids, n)));
  }
  if (entry) WordCache::Fill(entry, serial_, word, out->data() + from, out->size() - from);
}

int32_t BpeModel::SymbolOf(std::string_view word, size_t pos, size_t bytes, char32_t value) const {
  if (!suffix_.empty() && pos + bytes == word.size()) {
    auto it = last_ids_.find(word.substr(pos, bytes));
    return it == last_ids_.end() ? -1 : it->second;
  }
  if (byte_level_) return byte_ids_[static_cast<uint8_t>(word[pos])];
  auto it = char_ids_.find(value);
  return it == char_ids_.end() ? -1 : it->second;
}

void BpeModel::Symbols(std::string_view word, std::vector<int32_t>* out) const {
  bool pending = false;  // an unknown token that later unknown characters may join
  for (size_t pos = 0; pos < word.size();) {
    CodePoint c{0, 1};
    if (!byte_level_) c = DecodeUtf8(word, pos);
    size_t bytes = c.bytes, at = pos;
    pos += bytes;
    int32_t id = SymbolOf(word, at, bytes, c.value);
    if (id >= 0) {
      if (pending) out->push_back(unknown_);
      pending = false;
      out->push_back(id);
      continue;
    }
    if (byte_fallback_) {
      bool all = true;
      for (size_t i = at; i < pos; ++i) all &= byte_ids_[static_cast<uint8_t>(word[i])] >= 0;
      if (all) {
        for (size_t i = at; i < pos; ++i) out->push_back(byte_ids_[static_cast<uint8_t>(word[i])]);
        continue;
      }
    }
    if (unknown_ < 0) continue;
    if (pending && !fuse_unknown_) out->push_back(unknown_);
    pending = true;
  }
  if (pending) out->push_back(unknown_);
}

size_t BpeModel::MergeShort(int32_t* ids, size_t n) const {
  uint32_t rank[kShortWord];
  int32_t merged[kShortWord];
  auto look = [&](size_t i) {
    const Merge* m = Find(ids[i], ids[i + 1]);
    rank[i] = m ? m->rank : kNoRank;
    merged[i] = m ? m->id : -1;
  };
  for (size_t i = 0; i + 1 < n; ++i) look(i);
  while (n > 1) {
    size_t best = static_cast<size_t>(std::min_element(rank, rank + n - 1) - rank);
    if (rank[best] == kNoRank) break;
    ids[best] = merged[best];
    std::copy(ids + best + 2, ids + n, ids + best + 1);
    if (best + 2 < n) {
      std::copy(rank + best + 2, rank + n - 1, rank + best + 1);
      std::copy(merged + best + 2, merged + n - 1, merged + best + 1);
    }
    --n;
    if (best > 0) look(best - 1);
    if (best + 1 < n) look(best);
  }
  return n;
}

size_t BpeModel::MergeLong(int32_t* ids, size_t n) const {
  struct Candidate {
    uint32_t rank;
    size_t left, right;
    int32_t left_id, right_id, id;  // stale when the two have changed since
  };
  auto later = [](const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.left > b.left;
  };
  std::priority_queue<Candidate, std::vector<Candidate>, decltype(later)> queue(later);
  std::vector<size_t> next(n), previous(n);
  auto look = [&](size_t left, size_t right) {
    if (const Merge* m = Find(ids[left], ids[right]))
      queue.push({m->rank, left, right, ids[left], ids[right], m->id});
  };
  for (size_t i = 0; i < n; ++i) next[i] = i + 1, previous[i] = i - 1;
  for (size_t i = 0; i + 1 < n; ++i) look(i, i + 1);
  while (!queue.empty()) {
    Candidate c = queue.top();
    queue.pop();
    if (ids[c.left] != c.left_id || next[c.left] != c.right || ids[c.right] != c.right_id) continue;
    ids[c.left] = c.id;
    ids[c.right] = -1;  // gone
    size_t after = next[c.left] = next[c.right];
    if (after < n) {
      previous[after] = c.left;
      look(c.left, after);
    }
    if (c.left > 0) look(previous[c.left], c.left);
  }
  size_t kept = 0;
  for (size_t i = 0; i < n; i = next[i]) ids[kept++] = ids[i];
  return kept;
}

}  // namespace sightline::language
