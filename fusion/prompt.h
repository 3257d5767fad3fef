// The prompt as ids, with the places where visual tokens go.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "fusion/vision_pipeline.h"
#include "language/text/tokenizer.h"

namespace sightline {

struct PromptPart {
  std::variant<std::string, std::shared_ptr<const EncodedMedia>> content;
};

// A run of text ids or of one span's visual tokens.
struct PromptPiece {
  std::vector<int32_t> ids;          // when `span` is null
  const VisualSpan* span = nullptr;  // owned by the part's media
};

struct Prompt {
  std::vector<PromptPiece> pieces;
  int tokens = 0, visual_tokens = 0;
};

// Text of the caller is encoded without special tokens. INVALID_ARGUMENT when a part's width is not
// the model's.
StatusOr<Prompt> BuildPrompt(const ModelSpec& spec, const language::Tokenizer& tokenizer,
                             const std::vector<PromptPart>& parts);

}  // namespace sightline
