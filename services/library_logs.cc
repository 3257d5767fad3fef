#include "services/library_logs.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <nlohmann/json.hpp>
#include <string>

#include "services/log.h"

namespace sightline {
namespace {

void FromGrpc(gpr_log_func_args* args) {
  const LogLevel level = args->severity == GPR_LOG_SEVERITY_ERROR  ? LogLevel::kError
                         : args->severity == GPR_LOG_SEVERITY_INFO ? LogLevel::kInfo
                                                                   : LogLevel::kDebug;
  Log(level, "library", {{"library", "grpc"}, {"text", args->message}});
}

// Its errors are about what callers sent, of which they name fields and no bytes.
void FromProtobuf(google::protobuf::LogLevel level, const char*, int, const std::string& text) {
  const bool theirs = level == google::protobuf::LOGLEVEL_ERROR;
  Log(level == google::protobuf::LOGLEVEL_FATAL ? LogLevel::kError
      : theirs                                  ? LogLevel::kWarn
                                                : LogLevel::kInfo,
      "library", {{"library", "protobuf"}, {"text", text}});
}

}  // namespace

void TakeLibraryLogs() {
  gpr_set_log_function(FromGrpc);
  google::protobuf::SetLogHandler(FromProtobuf);
}

}  // namespace sightline
