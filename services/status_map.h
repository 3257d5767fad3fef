#pragma once

#include <grpcpp/support/status.h>

#include <string_view>

#include "compute/base/status.h"

namespace sightline {

// INTERNAL, UNKNOWN and DATA_LOSS: their text may tell of paths or libraries, and stays on this
// side.
bool IsPrivate(absl::StatusCode code);

// The only place where a Status becomes a gRPC status: same canonical code, google.rpc.Status with
// ErrorInfo (always), BadRequest (a field is known) and RetryInfo (another try makes sense: the
// status says so by RetryMsOf, or its reason is that of a shortage that passes) in
// grpc-status-details-bin. Private text is replaced; Report of call_report.h, which calls this,
// logs it under the request id.
grpc::Status ToGrpc(const Status& status, std::string_view request_id = "");

// The way back, for stubs: what ToGrpc wrote is found again by ReasonOf, FieldOf and RetryMsOf.
Status FromGrpc(const grpc::Status& status);

}  // namespace sightline
