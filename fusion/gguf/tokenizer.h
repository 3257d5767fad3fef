// The tokenizer in a GGUF file's metadata.
#pragma once

#include <memory>

#include "fusion/gguf/model.h"
#include "language/text/tokenizer.h"

namespace sightline {

// tokenizer.ggml.model "gpt2" (byte-level BPE; how text is split is named by tokenizer.ggml.pre) or
// "llama" (SentencePiece with scores). INVALID_ARGUMENT or UNIMPLEMENTED names the key at fault.
StatusOr<std::unique_ptr<language::Tokenizer>> ReadGgufTokenizer(const GgufFile& file);

}  // namespace sightline
