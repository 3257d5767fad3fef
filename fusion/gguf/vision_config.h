// The metadata of an mmproj file: sizes of the visual half and what its processor does.
#pragma once

#include <string>

#include "fusion/families/family.h"
#include "fusion/gguf/model.h"

namespace sightline {

// Fills config and processor of a visual `family`, whose text config is `text`. INVALID_ARGUMENT
// names the key or the token at fault.
Status ReadGgufVision(const GgufModel& model, const std::string& family, Json text,
                      ModelConfigs* configs);

}  // namespace sightline
