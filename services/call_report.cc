#include "services/call_report.h"

#include <cctype>
#include <exception>
#include <new>
#include <nlohmann/json.hpp>

#include "services/error.h"
#include "services/log.h"
#include "services/status_map.h"

namespace sightline {

Status Guarded(const std::function<Status()>& work) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return ErrorWithReason(absl::StatusCode::kResourceExhausted, "OUT_OF_MEMORY",
                           "there is not enough memory for this request now");
  } catch (const std::exception& error) {
    return absl::InternalError(error.what());
  } catch (...) {
    return absl::InternalError("something was thrown that is no exception");
  }
}

grpc::Status Report(const CallFacts& call, const Status& status) {
  nlohmann::json fields = {{"rpc", call.rpc},
                           {"request_id", call.request_id},
                           {"code", absl::StatusCodeToString(status.code())},
                           {"ms", absl::ToDoubleMilliseconds(absl::Now() - call.began)},
                           {"bytes", call.bytes}};
  if (!status.ok()) {
    fields["error"] = std::string(status.message());
    if (!ReasonOf(status).empty()) fields["reason"] = ReasonOf(status);
    if (!FieldOf(status).empty()) fields["field"] = FieldOf(status);
  }
  Log(IsPrivate(status.code()) ? LogLevel::kError : LogLevel::kInfo, "call", fields);
  return ToGrpc(status, call.request_id);
}

Status CheckRequestId(const std::string& id) {
  bool ok = id.size() <= 64;
  for (char c : id)
    ok = ok && (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.');
  return ok ? absl::OkStatus()
            : InvalidField("request_id",
                           "must be at most 64 letters, digits, \"-\", \"_\" and \".\"");
}

}  // namespace sightline
