// The metadata of a GGUF model as the configs that its family reads (families/registry.h): the same
// data from another file.
#pragma once

#include "fusion/families/family.h"
#include "fusion/gguf/model.h"

namespace sightline {

// Architectures llama, qwen2, qwen3, and with an mmproj also llama + idefics3 (SmolVLM), qwen2vl +
// qwen2.5vl_merger, qwen3vl + qwen3vl_merger. Without one a visual architecture reads text alone.
// INVALID_ARGUMENT or UNIMPLEMENTED names the key or tensor at fault.
StatusOr<ModelConfigs> ReadGgufConfigs(const GgufModel& model);

// Whether the visual half is of another model: of a projector that another architecture takes, or
// beside an architecture that takes none.
bool GgufVisionIsForeign(const GgufModel& model);

// The canonical family of the pair: a model_type of families/registry.h; "" for an unknown one.
std::string GgufFamily(const GgufModel& model);

}  // namespace sightline
