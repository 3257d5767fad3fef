// The chat template of a model directory.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "compute/base/status.h"

namespace sightline {

struct ChatTemplateFile {
  std::string source;  // Jinja
  // bos_token, eos_token and what else the tokenizer's config names: texts, or lists of texts.
  nlohmann::ordered_json special_tokens = nlohmann::ordered_json::object();
};

// The template of chat_template.jinja, chat_template.json, or chat_template in
// tokenizer_config.json (a text, or a list of named ones of which "default" is taken); special
// tokens of tokenizer_config.json and special_tokens_map.json. Nothing where there is no template;
// INVALID_ARGUMENT names a file that cannot be read.
StatusOr<std::optional<ChatTemplateFile>> ReadChatTemplate(const std::string& directory);

}  // namespace sightline
