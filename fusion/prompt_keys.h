// What the KV pages of a prompt hold, as names: a page's rows and all rows before it.
#pragma once

#include <vector>

#include "compute/kv/prefix_cache.h"
#include "fusion/prompt.h"

namespace sightline {

// One key for each full page of the prompt but the last row's: that row is computed anew, for its
// logits. A key covers ids of text, the numbers of visual rows (features and deepstack), and
// positions; pages of one model alone are compared.
std::vector<PageKey> PromptPageKeys(const Prompt& prompt);

// Position of the text token that would follow the first `rows` rows.
int32_t PositionAfter(const Prompt& prompt, int32_t rows);

}  // namespace sightline
