#include "services/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace sightline {
namespace {

spdlog::logger& Logger() {
  static auto logger = [] {
    auto l = std::make_shared<spdlog::logger>("sightline",
                                              std::make_shared<spdlog::sinks::stderr_sink_mt>());
    l->set_pattern("%v");
    l->flush_on(spdlog::level::info);
    return l;
  }();
  return *logger;
}

constexpr const char* kNames[] = {"debug", "info", "warn", "error"};
constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                 spdlog::level::warn, spdlog::level::err};

}  // namespace

void SetLogLevel(std::string_view name) {
  for (int i = 0; i < 4; ++i) {
    if (name == kNames[i]) Logger().set_level(kLevels[i]);
  }
}

void Log(LogLevel level, std::string_view msg, const nlohmann::json& fields) {
  const auto i = static_cast<size_t>(level);
  if (!Logger().should_log(kLevels[i])) return;
  nlohmann::ordered_json line = {
      {"time", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone())},
      {"level", kNames[i]},
      {"msg", msg}};
  for (const auto& [key, value] : fields.items()) line[key] = value;
  // Bytes that are no UTF-8 are replaced, never thrown about.
  Logger().log(kLevels[i], line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

void Log(LogLevel level, std::string_view msg) { Log(level, msg, nlohmann::json::object()); }

}  // namespace sightline
