// Pre-tokenizers of tokenizer.json: they cut text into the pieces inside which merges happen.
// Thread-safe once built.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "compute/base/status.h"

namespace sightline::language {

// A view that lives until the sink returns. `opens`: it holds the first character of the whole
// input.
struct TextPiece {
  std::string_view text;
  bool opens = false;
};
using PieceSink = absl::FunctionRef<Status(TextPiece)>;

class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  // Hands out the pieces of `piece` (valid UTF-8) in order; the sink's error stops it.
  virtual Status Split(TextPiece piece, PieceSink sink) const = 0;
};

struct PreTokenizerSpec {
  std::unique_ptr<PreTokenizer> split;  // null: text stays whole
  // The model reads bytes instead of characters. `alphabet`: the pieces come in the byte-level
  // alphabet, because a later step had to see them so; else they are the bytes themselves.
  bool byte_level = false, alphabet = false;
};

// Builds from the "pre_tokenizer" object: ByteLevel, Digits, Metaspace, Punctuation, Split,
// Whitespace, WhitespaceSplit, Sequence. UNIMPLEMENTED names another type.
StatusOr<PreTokenizerSpec> ParsePreTokenizer(const nlohmann::json& spec);

}  // namespace sightline::language
