#include "fusion/gguf/fields.h"

#include <cmath>

#include "absl/strings/str_cat.h"

namespace sightline {

void GgufFields::Set(absl::StatusCode code, const std::string& key, const std::string& what) const {
  if (!status_->ok()) return;
  *status_ = ErrorWithReason(code, "MODEL_CONFIG_INVALID",
                             absl::StrCat("gguf: ", prefix_, key, ": ", what), prefix_ + key);
}

void GgufFields::Fail(const std::string& key, const std::string& what) const {
  Set(absl::StatusCode::kInvalidArgument, key, what);
}

void GgufFields::Refuse(const std::string& key, const std::string& what) const {
  Set(absl::StatusCode::kUnimplemented, key, what);
}

template <class T>
T GgufFields::Keep(StatusOr<T> value, T otherwise) const {
  if (value.ok()) return *std::move(value);
  if (status_->ok()) *status_ = value.status();
  return otherwise;
}

int64_t GgufFields::Int(const std::string& key, int64_t low, int64_t high) const {
  int64_t v = Keep<int64_t>(file_.Int(prefix_ + key), low);
  if (v >= low && v <= high) return v;
  Fail(key, absl::StrCat("is ", v, ", which is not from ", low, " to ", high));
  return low;
}

int64_t GgufFields::Int(const std::string& key, int64_t low, int64_t high, int64_t fallback) const {
  return Has(key) ? Int(key, low, high) : fallback;
}

double GgufFields::Real(const std::string& key, double low, double high) const {
  double v = Keep<double>(file_.Float(prefix_ + key), low);
  if (v >= low && v <= high) return v;  // false for NaN
  Fail(key, absl::StrCat("is not from ", low, " to ", high));
  return low;
}

double GgufFields::Real(const std::string& key, double low, double high, double fallback) const {
  return Has(key) ? Real(key, low, high) : fallback;
}

bool GgufFields::Bool(const std::string& key, bool fallback) const {
  return Has(key) ? Keep<bool>(file_.Bool(prefix_ + key), fallback) : fallback;
}

std::string GgufFields::Text(const std::string& key, const std::string& fallback) const {
  if (!Has(key)) return fallback;
  return std::string(Keep<std::string_view>(file_.String(prefix_ + key), fallback));
}

std::vector<int64_t> GgufFields::Ints(const std::string& key, size_t most, int64_t low,
                                      int64_t high) const {
  std::vector<int64_t> v;
  if (Has(key)) v = Keep<std::vector<int64_t>>(file_.Ints(prefix_ + key), {});
  if (v.size() > most) Fail(key, absl::StrCat("has more than ", most, " numbers"));
  for (int64_t x : v) {
    if (x < low || x > high)
      Fail(key, absl::StrCat("holds ", x, ", which is not from ", low, " to ", high));
  }
  return status_->ok() ? v : std::vector<int64_t>();
}

std::vector<double> GgufFields::Reals(const std::string& key, size_t most, double low,
                                      double high) const {
  std::vector<double> v;
  if (Has(key)) v = Keep<std::vector<double>>(file_.Floats(prefix_ + key), {});
  if (v.size() > most) Fail(key, absl::StrCat("has more than ", most, " numbers"));
  for (double x : v) {
    if (!(x >= low && x <= high))
      Fail(key, absl::StrCat("holds a number that is not from ", low, " to ", high));
  }
  return status_->ok() ? v : std::vector<double>();
}

std::vector<bool> GgufFields::Bools(const std::string& key, size_t most) const {
  if (!Has(key)) return {};
  const auto* a = std::get_if<GgufArray>(&file_.table().metadata.find(prefix_ + key)->second);
  if (!a || a->type != GgufType::kBool || a->count > most) {
    Fail(key, absl::StrCat("must be an array of at most ", most, " booleans"));
    return {};
  }
  std::vector<bool> v;
  for (char c : a->bytes) v.push_back(c != 0);
  return v;
}

}  // namespace sightline
