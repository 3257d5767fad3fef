// Reads fields of a JSON config with bounds; the first thing wrong is named by its path and kept.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "compute/base/status.h"

namespace sightline {

using Json = nlohmann::json;

// A view of one JSON object; parts share the status of the whole. The document outlives it.
class ConfigReader {
 public:
  // `file` is shown in errors ("config.json"). A missing part reads as an empty object.
  ConfigReader(const Json& json, std::string file) : ConfigReader(&json, std::move(file), &own_) {}
  ConfigReader(const ConfigReader&) = delete;
  ConfigReader& operator=(const ConfigReader&) = delete;
  ConfigReader(const ConfigReader& parent, const std::string& key);

  bool Has(const std::string& key) const;  // present and not null
  // Required, or with a value to fall back on. Whole numbers in [low, high].
  int64_t Int(const std::string& key, int64_t low, int64_t high) const;
  int64_t Int(const std::string& key, int64_t low, int64_t high, int64_t fallback) const;
  double Real(const std::string& key, double low, double high, double fallback) const;
  bool Bool(const std::string& key, bool fallback) const;
  std::string Text(const std::string& key, const std::string& fallback) const;
  // Empty when the field is missing; at most `most` numbers.
  std::vector<int64_t> Ints(const std::string& key, size_t most, int64_t low, int64_t high) const;
  std::vector<double> Reals(const std::string& key, size_t most) const;
  std::vector<std::string> Texts(const std::string& key, size_t most) const;

  const Json& json() const { return *json_; }
  void Fail(const std::string& key, const std::string& what) const;  // "config.json: a.b <what>"
  const Status& status() const { return *status_; }

 private:
  ConfigReader(const Json* json, std::string path, Status* status);
  const Json* At(const std::string& key) const;  // null when missing
  const Json* json_;
  std::string path_;
  Status own_;
  Status* status_;
};

// Parses one file of a model directory into an object. INVALID_ARGUMENT or NOT_FOUND names the
// file.
StatusOr<Json> ReadJsonFile(const std::string& directory, const std::string& file);

}  // namespace sightline
