// The prompt as ids, with the places where visual tokens go.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "compute/base/status.h"
#include "fusion/media.h"

namespace sightline {

struct PromptPart {
  std::variant<std::string, std::shared_ptr<const EncodedMedia>> content;
};

// A run of text ids or of one span's visual tokens.
struct PromptPiece {
  std::vector<int32_t> ids;          // of a span: its place token once a row, or nothing
  const VisualSpan* span = nullptr;  // owned by the part's media
};

struct Prompt {
  std::vector<PromptPiece> pieces;
  int tokens = 0, visual_tokens = 0;
  std::vector<int32_t> positions;  // [3, tokens] (time, row, column); empty: they count up
};

// How a model lays out a turn of the user. Const; thread-safe.
class PromptForm {
 public:
  virtual ~PromptForm() = default;
  // Text of the caller is encoded without special tokens. INVALID_ARGUMENT when media do not fit
  // the model. The parts' media outlive the prompt.
  virtual StatusOr<Prompt> Build(const std::vector<PromptPart>& parts) const = 0;
};

}  // namespace sightline
