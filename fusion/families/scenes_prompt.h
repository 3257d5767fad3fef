// The prompt of the `scenes` family.
#pragma once

#include <vector>

#include "fusion/families/scenes.h"
#include "fusion/prompt.h"
#include "fusion/text_codec.h"

namespace sightline {

StatusOr<Prompt> BuildPrompt(const ModelSpec& spec, const TextCodec& codec,
                             const std::vector<PromptPart>& parts);

}  // namespace sightline
