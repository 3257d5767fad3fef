// Model directories of every family for tests: published layouts with random weights.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sightline {

inline constexpr const char* kVisionFamilies[] = {"llava15", "llava_onevision", "smolvlm",
                                                  "qwen2_5_vl", "qwen3_vl"};

// tests/golden/families/NAME: configs, template, prompts with their ids, names and shapes of
// weights.
std::string FamilyDirectory(const std::string& family);
// tokenizer.json's folder: two families share one.
std::string TokenizerDirectory(const std::string& family);

// Copies the family's files to `to` and writes model.safetensors there: its tensors under the names
// that `rename` gives them, float32, the same for the same seed whatever the names.
void WriteRandomModel(const std::string& family, const std::string& to, uint32_t seed,
                      const std::function<std::string(const std::string&)>& rename = {});

}  // namespace sightline
