// Normalizers of tokenizer.json: what happens to text before it is split. Thread-safe once built.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "compute/base/status.h"

namespace sightline::language {

class Normalizer {
 public:
  virtual ~Normalizer() = default;
  // `text` is valid UTF-8 and so is the result.
  virtual StatusOr<std::string> Apply(std::string text) const = 0;
};

// Builds from the "normalizer" object: NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Append, Replace,
// Strip, Sequence. Null gives a null pointer, the identity; UNIMPLEMENTED names another type.
StatusOr<std::unique_ptr<Normalizer>> ParseNormalizer(const nlohmann::json& spec);

}  // namespace sightline::language
