// Hand-written splitters for the published pre-tokenizer patterns: the cuts of the regex, in one
// pass. Pure and thread-safe.
#pragma once

#include <optional>
#include <string_view>

namespace sightline::language {

struct SplitRule {
  // GPT-2's pattern: contractions in lower case; letters, numbers and other characters each with an
  // optional space before them. Otherwise the later form (GPT-4, Llama 3, Qwen 2): any case, any
  // one character before letters, numbers in short groups, line ends kept together.
  bool gpt2 = false;
  int max_digits = 1;  // of the later form: characters in a group of numbers
};

// The rule for a published pattern (GPT-2, Qwen 2, Llama 3), else nothing.
std::optional<SplitRule> KnownPattern(std::string_view pattern);

// End of the piece that begins at `pos` < text.size(); pieces touch and cover the text, which is
// valid UTF-8.
size_t NextCut(const SplitRule& rule, std::string_view text, size_t pos);

}  // namespace sightline::language
