// The language half of a model, as the language role runs it: prompt form, tokenizer, decoder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fusion/families/checkpoint.h"
#include "fusion/prompt.h"
#include "fusion/tokenizer_file.h"
#include "language/decoder.h"
#include "language/sampling.h"

namespace sightline {

// Const after loading; its parts are thread-safe.
struct LanguageModel {
  std::string name;  // the directory's
  std::unique_ptr<language::Tokenizer> codec;
  std::unique_ptr<PromptForm> form;
  std::unique_ptr<language::Decoder> decoder;
  std::vector<int32_t> end_ids;  // tokens that end an answer
  SamplingOptions sampling;      // for requests that do not say
  int max_new_tokens = 256;      // likewise
};

// Of any model directory that this build runs. The decoder's weights are kept as `weights` says.
StatusOr<LanguageModel> LoadLanguageModel(const std::string& directory,
                                          const LoadProgress& progress = {},
                                          const Device& device = {},
                                          WeightChoice weights = WeightChoice::kStored);

}  // namespace sightline
