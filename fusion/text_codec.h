// Text to ids and back, whichever tokenizer a model has.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compute/base/status.h"

namespace sightline {

// Const after loading; thread-safe.
class TextCodec {
 public:
  virtual ~TextCodec() = default;
  // Texts of special tokens inside `text` are encoded as plain characters.
  virtual std::vector<int32_t> Encode(std::string_view text) const = 0;
  // What one generated token adds to the text; empty for special tokens.
  virtual std::string_view Bytes(int32_t id) const = 0;
  // Id of a special token, -1 when there is none of that text.
  virtual int32_t Special(std::string_view text) const = 0;
  virtual int32_t vocab_size() const = 0;
};

// Reads tokenizer.json of a model directory.
StatusOr<std::unique_ptr<TextCodec>> LoadTextCodec(const std::string& directory);

}  // namespace sightline
