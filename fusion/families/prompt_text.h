// A prompt in the making: text of a template, text of a caller, visual tokens; then ids.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "fusion/prompt.h"
#include "language/text/tokenizer.h"

namespace sightline {

// Where visual tokens stand in the text, as one token each that the tokenizer knows.
class PromptText {
 public:
  void Template(std::string_view text) { text_ += text; }
  // Text in which `user` (sorted, apart) came from outside.
  void Mixed(std::string_view text, absl::Span<const language::TextSpan> user);

  struct Block {
    const VisualSpan* span = nullptr;
    int32_t place = -1;  // id of its token
    // How many spans from this one on are one box of positions; 0: an earlier one has counted it.
    int steps = 1;
    double pace = 1;  // time positions between steps
  };
  // `place_text`: what the tokenizer reads as the place token.
  void Visual(const Block& block, std::string_view place_text);

  struct Rules {
    bool mrope = false;           // positions of three streams
    bool post_processed = false;  // the tokenizer's own BOS and the like are set around
  };
  // All text is encoded as one, so that the template's words and the caller's may share a token, as
  // in the reference. INVALID_ARGUMENT when a caller's text reads as a place.
  StatusOr<Prompt> Finish(const language::Tokenizer& codec, const Rules& rules) const;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<language::TextSpan> user_;
  std::vector<Block> blocks_;
};

}  // namespace sightline
