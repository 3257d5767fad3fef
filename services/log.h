// One JSON object a line on standard error. Thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace sightline {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

void SetLogLevel(std::string_view name);  // debug, info, warn, error
// {"time": .., "level": .., "msg": .., <fields>}. Never pass what a caller wrote except ids that
// were checked.
void Log(LogLevel level, std::string_view msg, const nlohmann::json& fields);
void Log(LogLevel level, std::string_view msg);

}  // namespace sightline
