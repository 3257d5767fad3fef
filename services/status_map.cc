#include "services/status_map.h"

#include <optional>
#include <string>
#include <utility>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "services/error.h"

namespace sightline {
namespace {

constexpr char kDomain[] = "sightline";

std::string DefaultReason(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDataLoss:
      return "INTERNAL_ERROR";
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return "INVALID_REQUEST";
    default:
      return absl::StatusCodeToString(code);
  }
}

// Shortages that are over when other requests end, and what to wait: the layers that find them know
// nothing of services/error.h.
std::optional<int64_t> UsualRetryMs(const std::string& reason) {
  if (reason == "QUEUE_FULL") return 500;
  if (reason == "OUT_OF_MEMORY" || reason == "IMAGE_OUT_OF_MEMORY" ||
      reason == "VIDEO_OUT_OF_MEMORY")
    return 2000;
  return std::nullopt;
}

}  // namespace

bool IsPrivate(absl::StatusCode code) {
  return code == absl::StatusCode::kInternal || code == absl::StatusCode::kUnknown ||
         code == absl::StatusCode::kDataLoss;
}

grpc::Status ToGrpc(const Status& status, std::string_view request_id) {
  if (status.ok()) return grpc::Status::OK;
  const std::string reason = ReasonOf(status), field = FieldOf(status);
  const std::optional<int64_t> said_ms = RetryMsOf(status);
  const std::optional<int64_t> retry_ms = said_ms ? said_ms : UsualRetryMs(reason);
  google::rpc::Status wire;
  wire.set_code(static_cast<int>(status.code()));
  wire.set_message(IsPrivate(status.code())
                       ? "internal error; the server's log has more under the request id"
                       : std::string(status.message()));

  google::rpc::ErrorInfo info;
  info.set_reason(reason.empty() ? DefaultReason(status.code()) : reason);
  info.set_domain(kDomain);
  if (!field.empty()) (*info.mutable_metadata())["field"] = field;
  if (!request_id.empty()) (*info.mutable_metadata())["request_id"] = std::string(request_id);
  wire.add_details()->PackFrom(info);
  if (!field.empty()) {
    google::rpc::BadRequest bad;
    auto* violation = bad.add_field_violations();
    violation->set_field(field);
    violation->set_description(wire.message());
    wire.add_details()->PackFrom(bad);
  }
  if (retry_ms) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(*retry_ms / 1000);
    retry.mutable_retry_delay()->set_nanos(static_cast<int>(*retry_ms % 1000) * 1000000);
    wire.add_details()->PackFrom(retry);
  }
  return grpc::Status(static_cast<grpc::StatusCode>(wire.code()), wire.message(),
                      wire.SerializeAsString());
}

Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  std::string reason, field;
  std::optional<int64_t> retry_ms;
  google::rpc::Status wire;
  if (wire.ParseFromString(status.error_details())) {
    for (const auto& detail : wire.details()) {
      google::rpc::ErrorInfo info;
      google::rpc::BadRequest bad;
      google::rpc::RetryInfo retry;
      if (detail.UnpackTo(&info)) {
        reason = info.reason();
      } else if (detail.UnpackTo(&bad) && bad.field_violations_size() > 0) {
        field = bad.field_violations(0).field();
      } else if (detail.UnpackTo(&retry)) {
        retry_ms = retry.retry_delay().seconds() * 1000 + retry.retry_delay().nanos() / 1000000;
      }
    }
  }
  Status out = ErrorWithReason(static_cast<absl::StatusCode>(status.error_code()), reason,
                               status.error_message(), field);
  return retry_ms ? WithRetryMs(std::move(out), *retry_ms) : out;
}

}  // namespace sightline
