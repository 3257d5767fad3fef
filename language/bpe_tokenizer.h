// Byte-level BPE of a tokenizer.json with the Qwen2 split: text to ids and back. User text never
// becomes a special token.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "compute/base/status.h"

namespace sightline::language {

class BpeTokenizer {
 public:
  // `json`: the bytes of tokenizer.json. INVALID_ARGUMENT names what is missing or unsupported.
  static StatusOr<std::unique_ptr<BpeTokenizer>> Parse(std::string_view json);

  // Special tokens' texts in `text` are encoded as plain characters. Invalid UTF-8 is encoded byte
  // by byte.
  std::vector<int32_t> Encode(std::string_view text) const;
  // The bytes of one token; empty for special tokens.
  std::string_view Bytes(int32_t id) const;
  std::string Decode(const std::vector<int32_t>& ids) const;
  // Id of a special token, -1 when there is none of that text.
  int32_t Special(std::string_view text) const;
  int32_t vocab_size() const { return static_cast<int32_t>(bytes_.size()); }

 private:
  void EncodeWord(std::string_view word, std::vector<int32_t>* out) const;
  std::unordered_map<std::string, int32_t> ids_;  // raw bytes -> id
  std::unordered_map<std::string, int32_t> specials_;
  std::unordered_map<uint64_t, std::pair<int32_t, int32_t>>
      merges_;  // (left id, right id) -> (rank, merged id)
  std::vector<std::string> bytes_;
  int32_t byte_ids_[256];
};

// The Qwen2 split: contractions, words with one leading other character, single digits,
// punctuation, white space.
std::vector<std::string_view> SplitQwen2(std::string_view text);

// Holds back bytes until they are whole UTF-8 characters.
class Utf8Stream {
 public:
  std::string Push(std::string_view bytes);  // what can be shown now
  std::string Flush();                       // the rest; broken characters become U+FFFD

 private:
  std::string held_;
};

}  // namespace sightline::language
