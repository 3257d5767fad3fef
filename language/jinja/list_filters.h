// Filters over lists and mappings.
#pragma once

#include <string>

#include "language/jinja/interpreter.h"

namespace sightline::language::jinja {

using Filter = Value (*)(Interpreter* in, const Value& value, const Arguments& args);

// Null when there is none of that name.
Filter ListFilter(const std::string& name);

}  // namespace sightline::language::jinja
