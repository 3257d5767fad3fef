// Byte-pair encoding (Sennrich et al., arXiv 1508.07909) as tokenizer.json states it: symbols of a
// word are merged pair by pair, lowest rank first, leftmost first. Thread-safe once built.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "compute/base/status.h"
#include "language/text/string_map.h"

namespace sightline::language {

class BpeModel {
 public:
  // Builds from the "model" object. Words come as bytes when `byte_level`, else as characters.
  // Tokens named in `special` are never the outcome of a merge. INVALID_ARGUMENT or UNIMPLEMENTED
  // names what is wrong.
  static StatusOr<std::unique_ptr<BpeModel>> Parse(const nlohmann::json& model, bool byte_level,
                                                   const StringSet& special);

  // Appends the ids of one word. O(n log n) in its length; characters that the vocabulary lacks
  // become bytes, the unknown token, or nothing, as the file says.
  void EncodeWord(std::string_view word, std::vector<int32_t>* out) const;

  // Texts as in the file; id -> text has gaps of "".
  const std::vector<std::string>& texts() const { return texts_; }
  const StringMap<int32_t>& ids() const { return ids_; }
  int32_t unknown_id() const { return unknown_; }

 private:
  struct Merge {
    uint32_t rank = 0;
    int32_t id = -1;
  };
  class Loader;  // bpe_load.cc

  BpeModel();
  const Merge* Find(int32_t left, int32_t right) const {
    auto it = merges_.find(static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 |
                           static_cast<uint32_t>(right));
    return it == merges_.end() ? nullptr : &it->second;
  }
  void EncodePlain(std::string_view word, std::vector<int32_t>* out) const;
  void Symbols(std::string_view word, std::vector<int32_t>* out) const;
  int32_t SymbolOf(std::string_view word, size_t pos, size_t bytes, char32_t value) const;
  size_t MergeShort(int32_t* ids, size_t n) const;
  size_t MergeLong(int32_t* ids, size_t n) const;

  const uint32_t serial_;  // owner in the word cache
  bool byte_level_ = false, byte_fallback_ = false, fuse_unknown_ = false, ignore_merges_ = false;
  // No merge joins a character to a "▁" after it: words may be cut there, and the parts cached.
  bool cut_at_marks_ = false;
  int32_t unknown_ = -1;
  std::string suffix_;  // of a word's last symbol (CLIP's "</w>")
  std::vector<std::string> texts_;
  StringMap<int32_t> ids_;
  StringMap<int32_t> words_;                         // ignore_merges_: whole words, as they come
  absl::flat_hash_map<uint64_t, Merge> merges_;      // (left, right)
  std::array<int32_t, 256> byte_ids_;                // symbols of bytes, or byte-fallback tokens
  absl::flat_hash_map<char32_t, int32_t> char_ids_;  // not byte_level_
  StringMap<int32_t> last_ids_;                      // with suffix_
};

}  // namespace sightline::language
