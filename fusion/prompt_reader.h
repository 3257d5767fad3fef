// A prompt as the decoder reads it, a chunk at a time.
#pragma once

#include "fusion/prompt.h"
#include "language/decoder.h"

namespace sightline {

// The prompt and the decoder outlive it. Not thread-safe.
class PromptReader {
 public:
  PromptReader(const Prompt* prompt, const language::Decoder* decoder);
  bool done() const { return row_ == prompt_->tokens; }
  int64_t row() const { return row_; }  // rows read
  int64_t left() const { return prompt_->tokens - row_; }
  // The next rows, at most `most` of them; gathers pieces, so that many short ones cost one pass.
  language::StepInput Next(int64_t most);
  // Passes over rows whose keys and values are there already.
  void Skip(int64_t rows);

 private:
  const Prompt* prompt_;
  const language::Decoder* decoder_;
  size_t levels_ = 0;  // of deepstack
  size_t piece_ = 0;
  int64_t offset_ = 0, row_ = 0;  // rows done of the piece at hand, and of all
};

// INVALID_ARGUMENT when a span's features are not what its size says or have too many levels.
Status CheckSpans(const Prompt& prompt, const language::DecoderSpec& spec);

}  // namespace sightline
