// Added tokens of tokenizer.json: texts that are one token wherever they stand, found before (or,
// when `normalized`, after) the normalizer. Thread-safe once built.
#pragma once

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "compute/base/status.h"
#include "language/text/normalizer.h"

namespace sightline::language {

struct AddedToken {
  int32_t id = 0;
  std::string text;
  bool single_word = false;             // only between characters that are not of a word
  bool lstrip = false, rstrip = false;  // takes the white space before, after
  bool normalized = false, special = false;
};

// [begin, end) in bytes.
struct TextSpan {
  size_t begin = 0, end = 0;
};

// A part of a text: an added token, or what lies between.
struct TextPart {
  std::string_view text;
  const AddedToken* token = nullptr;
};

// INVALID_ARGUMENT names a bad entry.
StatusOr<std::vector<AddedToken>> ParseAddedTokens(const nlohmann::json& list);

// Finds the leftmost longest of some tokens in one pass.
class TokenMatcher {
 public:
  // `tokens` outlive the matcher. Texts are compared after `normalizer`, when there is one.
  static StatusOr<TokenMatcher> Build(const std::vector<const AddedToken*>& tokens,
                                      const Normalizer* normalizer);
  // Parts in order, empty ones left out. A special token is not found where it would touch one of
  // `literal` (sorted, apart). `found` is false when there is no token.
  std::vector<TextPart> Split(std::string_view text, absl::Span<const TextSpan> literal) const;
  bool empty() const { return nodes_.empty(); }

 private:
  struct Node {
    const AddedToken* token = nullptr;
    std::vector<std::pair<uint8_t, int32_t>> next;  // sorted by byte
  };
  struct Match {
    const AddedToken* token = nullptr;
    size_t end = 0;
  };
  void Insert(std::string_view text, const AddedToken* token);
  Match Longest(std::string_view text, size_t pos, absl::Span<const TextSpan> literal) const;
  std::vector<Node> nodes_;
  std::array<bool, 256> first_{};
};

}  // namespace sightline::language
