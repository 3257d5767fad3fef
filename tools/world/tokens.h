// Byte-level BPE for training text (ASCII), the same function as language/tokenizer on it.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace sightline::world {

class Tokens {
 public:
  // Lines "special <id> <text>", "token <id> <hex>", "merge <rank> <hex left> <hex right>". False
  // when malformed.
  bool Parse(const std::string& blob);
  // Not thread-safe when `cache` is shared between threads.
  using Cache = std::unordered_map<std::string, std::vector<int32_t>>;
  void Encode(const std::string& text, Cache* cache, std::vector<int32_t>* out) const;
  int32_t special(const std::string& name) const;

 private:
  std::vector<int32_t> EncodeWord(const std::string& word) const;
  std::unordered_map<std::string, int32_t> ids_, specials_;
  std::unordered_map<std::string, int> ranks_;  // left + '\x01' length-prefixed key
};

// The Qwen2 split restricted to ASCII: contractions, words with one leading other character, single
// digits, punctuation with a leading space, white space.
std::vector<std::string> SplitWords(const std::string& text);

}  // namespace sightline::world
