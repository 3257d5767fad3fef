// One reader a family, each in a file of its own; listed in registry.cc.
#pragma once

#include "fusion/families/family.h"

namespace sightline {

StatusOr<CheckpointSpec> ReadLlama(const ModelConfigs& configs);
StatusOr<CheckpointSpec> ReadQwen2(const ModelConfigs& configs);
StatusOr<CheckpointSpec> ReadQwen3(const ModelConfigs& configs);
StatusOr<CheckpointSpec> ReadGemma3(const ModelConfigs& configs);
StatusOr<CheckpointSpec> ReadSmolVlm(const ModelConfigs& configs);
StatusOr<CheckpointSpec> ReadQwen25Vl(const ModelConfigs& configs);
StatusOr<CheckpointSpec> ReadQwen3Vl(const ModelConfigs& configs);
StatusOr<CheckpointSpec> ReadLlava(const ModelConfigs& configs);
StatusOr<CheckpointSpec> ReadLlavaOneVision(const ModelConfigs& configs);

// The text-only families by their text config; also what the vision families build on.
language::DecoderSpec LlamaText(const ConfigReader& text);
language::DecoderSpec Qwen2Text(const ConfigReader& text);
language::DecoderSpec Qwen3Text(const ConfigReader& text);

// The built-in chat template of the Qwen families; with the system prompt that some of them state.
std::string QwenTemplate(bool system);

// Parts of a text-only checkpoint: "model." and "lm_head.weight".
std::vector<WeightPart> TextOnlyParts(bool tied);
// "text" under any of `prefixes`, the head beside it or under "language_model.".
std::vector<WeightPart> TextParts(const std::vector<std::string>& prefixes, bool tied);

// "vision" and "projector" of the LLaVA families.
std::vector<WeightPart> VitParts();

}  // namespace sightline
