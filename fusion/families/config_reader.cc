#include "fusion/families/config_reader.h"

#include <cmath>

#include "fusion/families/scenes.h"

namespace sightline {
namespace {

const Json& Empty() {
  static const Json empty = Json::object();
  return empty;
}

}  // namespace

ConfigReader::ConfigReader(const Json* json, std::string path, Status* status)
    : json_(json), path_(std::move(path)), status_(status) {
  if (path_.find(": ") == std::string::npos) path_ += ": ";
}

ConfigReader::ConfigReader(const ConfigReader& parent, const std::string& key)
    : ConfigReader(&Empty(), parent.path_ + key + ".", parent.status_) {
  const Json* j = parent.At(key);
  if (!j) return;
  if (!j->is_object()) {
    parent.Fail(key, "must be an object");
    return;
  }
  json_ = j;
}

const Json* ConfigReader::At(const std::string& key) const {
  if (!json_->is_object()) return nullptr;
  auto it = json_->find(key);
  return it == json_->end() || it->is_null() ? nullptr : &*it;
}

void ConfigReader::Fail(const std::string& key, const std::string& what) const {
  if (!status_->ok()) return;
  *status_ = ErrorWithReason(absl::StatusCode::kInvalidArgument, "MODEL_CONFIG_INVALID",
                             path_ + key + " " + what);
}

bool ConfigReader::Has(const std::string& key) const { return At(key) != nullptr; }

int64_t ConfigReader::Int(const std::string& key, int64_t low, int64_t high) const {
  if (!Has(key)) {
    Fail(key, "is missing");
    return low;
  }
  return Int(key, low, high, low);
}

int64_t ConfigReader::Int(const std::string& key, int64_t low, int64_t high,
                          int64_t fallback) const {
  const Json* j = At(key);
  if (!j) return fallback;
  // Unsigned numbers beyond int64 read as negative ones, which no bound below allows.
  if (j->is_number_integer()) {
    auto v = j->get<int64_t>();
    bool wrapped = j->is_number_unsigned() && v < 0;
    if (!wrapped && v >= low && v <= high) return v;
  }
  Fail(key, "must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  return low;
}

double ConfigReader::Real(const std::string& key, double low, double high, double fallback) const {
  const Json* j = At(key);
  if (!j) return fallback;
  if (j->is_number()) {
    auto v = j->get<double>();
    if (v >= low && v <= high) return v;
  }
  Fail(key, "is not a number in the range allowed");
  return low;
}

bool ConfigReader::Bool(const std::string& key, bool fallback) const {
  const Json* j = At(key);
  if (!j) return fallback;
  if (j->is_boolean()) return j->get<bool>();
  Fail(key, "must be true or false");
  return fallback;
}

std::string ConfigReader::Text(const std::string& key, const std::string& fallback) const {
  const Json* j = At(key);
  if (!j) return fallback;
  if (j->is_string()) return j->get<std::string>();
  Fail(key, "must be a string");
  return fallback;
}

std::vector<int64_t> ConfigReader::Ints(const std::string& key, size_t most, int64_t low,
                                        int64_t high) const {
  std::vector<int64_t> out;
  const Json* j = At(key);
  if (!j) return out;
  if (!j->is_array() || j->size() > most) {
    Fail(key, "must be a list of at most " + std::to_string(most) + " whole numbers");
    return out;
  }
  for (const Json& v : *j) {
    int64_t x = v.is_number_integer() ? v.get<int64_t>() : low - 1;
    if (x < low || x > high) {
      Fail(key, "has an entry out of range");
      return {};
    }
    out.push_back(x);
  }
  return out;
}

std::vector<double> ConfigReader::Reals(const std::string& key, size_t most) const {
  std::vector<double> out;
  const Json* j = At(key);
  if (!j) return out;
  bool good = j->is_array() && j->size() <= most;
  for (size_t i = 0; good && i < j->size(); ++i) {
    good = (*j)[i].is_number();
    if (good) out.push_back((*j)[i].get<double>());
  }
  if (!good) Fail(key, "must be a list of at most " + std::to_string(most) + " numbers");
  return out;
}

std::vector<std::string> ConfigReader::Texts(const std::string& key, size_t most) const {
  std::vector<std::string> out;
  const Json* j = At(key);
  if (!j) return out;
  bool good = j->is_array() && j->size() <= most;
  for (size_t i = 0; good && i < j->size(); ++i) {
    good = (*j)[i].is_string();
    if (good) out.push_back((*j)[i].get<std::string>());
  }
  if (!good) Fail(key, "must be a list of at most " + std::to_string(most) + " strings");
  return out;
}

StatusOr<Json> ReadJsonFile(const std::string& directory, const std::string& file) {
  SL_ASSIGN_OR_RETURN(std::string text, ReadSmallFile(directory + "/" + file));
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MODEL_CONFIG_INVALID",
                           file + " is not a JSON object");
  }
  return json;
}

}  // namespace sightline
