// The post-processor of tokenizer.json, for single texts: ids set before and after (BOS, EOS).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "compute/base/status.h"

namespace sightline::language {

struct PostProcessor {
  std::vector<int32_t> before, after;
};

// Builds from the "post_processor" object: TemplateProcessing, ByteLevel (which changes no ids),
// Sequence. UNIMPLEMENTED names another type.
StatusOr<PostProcessor> ParsePostProcessor(const nlohmann::json& spec);

}  // namespace sightline::language
