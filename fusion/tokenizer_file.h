// The tokenizer of a model directory or GGUF file.
#pragma once

#include <memory>
#include <string>

#include "language/text/tokenizer.h"

namespace sightline {

// Reads tokenizer.json, or a GGUF file's metadata. NOT_FOUND where there is none, INVALID_ARGUMENT
// or UNIMPLEMENTED for what it says.
StatusOr<std::unique_ptr<language::Tokenizer>> LoadTokenizer(const std::string& directory);

}  // namespace sightline
