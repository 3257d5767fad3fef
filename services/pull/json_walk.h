// Reads the few fields that are wanted out of JSON from a network, in memory that does not grow
// with what else stands there.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/base/status.h"

namespace sightline::pull {

struct JsonScalar {
  enum class Kind { kNull, kBool, kInteger, kReal, kString };
  Kind kind = Kind::kNull;
  int64_t integer = -1;  // of kInteger (and 0 or 1 of kBool); out of range: kReal
  std::string text;      // of kString
};

// Keys from the outermost value inwards; "[]" stands for any element of an array.
using JsonPath = std::vector<std::string>;

struct JsonVisitor {
  // Both return false to stop with an error.
  std::function<bool(const JsonPath& path, const JsonScalar& value)> scalar;
  std::function<bool(const JsonPath& path)> object_end = [](const JsonPath&) { return true; };
};

// INVALID_ARGUMENT (`reason`) for text that is no JSON, nests deeper than 24, or that the visitor
// stopped. `what` names the document in messages.
Status WalkJson(std::string_view text, const char* what, const JsonVisitor& visitor);

}  // namespace sightline::pull
