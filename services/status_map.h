#pragma once

#include <grpcpp/support/status.h>

#include <string_view>

#include "compute/base/status.h"

namespace sightline {

// The only place where a Status becomes a gRPC status: same canonical code, google.rpc.Status with
// ErrorInfo (always), BadRequest (a field is known) and RetryInfo (another try makes sense) in
// grpc-status-details-bin. Text of INTERNAL, UNKNOWN and DATA_LOSS stays on this side: it may tell
// of paths or libraries. Callers log it under the request id.
grpc::Status ToGrpc(const Status& status, std::string_view request_id = "");

// The way back, for stubs: what ToGrpc wrote is found again by ReasonOf, FieldOf and RetryMsOf.
Status FromGrpc(const grpc::Status& status);

}  // namespace sightline
