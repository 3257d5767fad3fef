#include "fusion/chat_template_file.h"

#include <filesystem>

#include "fusion/families/config_reader.h"
#include "fusion/families/scenes.h"

namespace sightline {
namespace {

constexpr size_t kMaxTemplateBytes = 1 << 20;
constexpr size_t kMaxTokenBytes = 512;

Status Invalid(const std::string& file, const std::string& what) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "TEMPLATE_INVALID",
                         file + ": " + what);
}

bool Exists(const std::string& directory, const char* file) {
  std::error_code error;
  return std::filesystem::exists(directory + "/" + file, error);
}

// An object of a file; an empty one where there is no such file.
StatusOr<Json> Optional(const std::string& directory, const char* file) {
  if (!Exists(directory, file)) return Json::object();
  return ReadJsonFile(directory, file);
}

// A text, or the default of a list of named ones; empty when there is none.
StatusOr<std::string> TemplateIn(const Json& config, const std::string& file) {
  auto it = config.find("chat_template");
  if (it == config.end() || it->is_null()) return std::string();
  if (it->is_string()) return it->get<std::string>();
  const std::string shape = "chat_template must be a text or a list of {name, template}";
  if (!it->is_array()) return Invalid(file, shape);
  std::string names;
  for (const Json& entry : *it) {
    if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string() ||
        !entry.contains("template") || !entry["template"].is_string())
      return Invalid(file, shape);
    if (entry["name"] == "default") return entry["template"].get<std::string>();
    names += (names.empty() ? "" : ", ") + entry["name"].get<std::string>().substr(0, 40);
  }
  return Invalid(file, "chat_template has no entry named default, only " + names.substr(0, 200));
}

// "</s>", or an object with that as its content.
std::optional<std::string> TokenText(const Json& v) {
  const Json* text = &v;
  if (v.is_object()) {
    auto it = v.find("content");
    if (it == v.end()) return std::nullopt;
    text = &*it;
  }
  if (!text->is_string() || text->get_ref<const std::string&>().size() > kMaxTokenBytes)
    return std::nullopt;
  return text->get<std::string>();
}

// Fields that end in "_token" or "_tokens"; what is set already stays.
void AddTokens(const Json& config, nlohmann::ordered_json* tokens) {
  for (const auto& [key, v] : config.items()) {
    if (tokens->contains(key) || key.size() > 64) continue;
    if (key.ends_with("_token")) {
      if (auto text = TokenText(v)) (*tokens)[key] = *text;
    } else if (key.ends_with("_special_tokens") && v.is_array()) {
      nlohmann::ordered_json list = nlohmann::ordered_json::array();
      for (const Json& item : v) {
        if (auto text = TokenText(item)) list.push_back(*text);
      }
      (*tokens)[key] = std::move(list);
    }
  }
}

}  // namespace

StatusOr<std::optional<ChatTemplateFile>> ReadChatTemplate(const std::string& directory) {
  constexpr const char *kJinja = "chat_template.jinja", *kJson = "chat_template.json",
                       *kConfig = "tokenizer_config.json", *kMap = "special_tokens_map.json";
  SL_ASSIGN_OR_RETURN(Json config, Optional(directory, kConfig));
  ChatTemplateFile file;
  if (Exists(directory, kJinja)) {
    SL_ASSIGN_OR_RETURN(file.source, ReadSmallFile(directory + "/" + kJinja, kMaxTemplateBytes));
  } else {
    SL_ASSIGN_OR_RETURN(Json json, Optional(directory, kJson));
    SL_ASSIGN_OR_RETURN(file.source, TemplateIn(json, kJson));
    if (file.source.empty()) {
      SL_ASSIGN_OR_RETURN(file.source, TemplateIn(config, kConfig));
    }
  }
  if (file.source.empty()) return std::optional<ChatTemplateFile>();
  AddTokens(config, &file.special_tokens);
  SL_ASSIGN_OR_RETURN(Json map, Optional(directory, kMap));
  AddTokens(map, &file.special_tokens);
  return std::optional<ChatTemplateFile>(std::move(file));
}

}  // namespace sightline
