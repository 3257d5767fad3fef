// The decoder of tokenizer.json: from token texts back to text. Thread-safe once built.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "compute/base/status.h"

namespace sightline::language {

// One step of the chain.
class DecoderStep {
 public:
  virtual ~DecoderStep() = default;
  // All tokens of a text at once; the number of parts may change.
  virtual std::vector<std::string> Apply(std::vector<std::string> tokens) const = 0;
  // One token by itself, as bytes that need not be whole characters. `first`: it opens the text.
  virtual std::string Single(std::string token, bool first) const = 0;
};

class TokenDecoder {
 public:
  // Builds from the "decoder" object: ByteLevel, ByteFallback, Fuse, Metaspace, Replace, Strip,
  // BPEDecoder, Sequence. Null joins tokens with spaces. UNIMPLEMENTED names another type.
  static StatusOr<TokenDecoder> Parse(const nlohmann::json& spec);

  // Exactly what the reference makes of a whole text.
  std::string Decode(std::vector<std::string> tokens) const;
  // For streams: the bytes of one token. Joined and read as UTF-8 they are Decode()'s text wherever
  // that is well-formed (trailing strips aside).
  std::string Bytes(std::string token, bool first) const;

 private:
  std::vector<std::unique_ptr<DecoderStep>> steps_;
  bool none_ = false;  // no decoder: spaces between tokens
};

}  // namespace sightline::language
