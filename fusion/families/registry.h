// The one table of model families.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fusion/families/family.h"
#include "language/decoder.h"

namespace sightline {

struct GgufModel;

const std::vector<Family>& Families();
// UNIMPLEMENTED names the model_type that no family claims.
StatusOr<const Family*> FindFamily(const Json& config);

// A model directory as downloaded, or a GGUF file: config -> family -> spec.
StatusOr<ModelConfigs> ReadModelConfigs(const std::string& directory);
StatusOr<CheckpointSpec> ReadCheckpointSpec(const std::string& directory);
StatusOr<CheckpointSpec> ReadCheckpointSpec(const ModelConfigs& configs);
StatusOr<CheckpointSpec> ReadCheckpointSpec(const GgufModel& model);

// The text side from weights whose parts are mapped.
StatusOr<std::unique_ptr<language::Decoder>> LoadDecoder(
    const CheckpointSpec& spec, Checkpoint* weights, WeightChoice choice = WeightChoice::kStored);

}  // namespace sightline
