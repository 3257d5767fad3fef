// Reading optional fields of model JSON without ever throwing: a wrong type counts as absent.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace sightline::language {

inline const nlohmann::json& Field(const nlohmann::json& object, std::string_view key) {
  static const nlohmann::json kNull;
  if (!object.is_object()) return kNull;
  const auto it = object.find(std::string(key));
  return it == object.end() ? kNull : *it;
}

inline std::string StringField(const nlohmann::json& object, std::string_view key,
                               std::string fallback = "") {
  const nlohmann::json& v = Field(object, key);
  return v.is_string() ? v.get<std::string>() : std::move(fallback);
}

inline bool BoolField(const nlohmann::json& object, std::string_view key, bool fallback) {
  const nlohmann::json& v = Field(object, key);
  return v.is_boolean() ? v.get<bool>() : fallback;
}

inline int64_t IntField(const nlohmann::json& object, std::string_view key, int64_t fallback) {
  const nlohmann::json& v = Field(object, key);
  return v.is_number_integer() ? v.get<int64_t>() : fallback;
}

inline double NumberField(const nlohmann::json& object, std::string_view key, double fallback) {
  const nlohmann::json& v = Field(object, key);
  return v.is_number() ? v.get<double>() : fallback;
}

// The "pattern" of Replace and Split: {"String": s} or {"Regex": s}.
struct TextPattern {
  bool is_regex = false;
  std::string text;
};

inline TextPattern PatternField(const nlohmann::json& object) {
  const nlohmann::json& p = Field(object, "pattern");
  if (p.is_string()) return {false, p.get<std::string>()};
  if (Field(p, "Regex").is_string()) return {true, StringField(p, "Regex")};
  return {false, StringField(p, "String")};
}

}  // namespace sightline::language
