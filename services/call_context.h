#pragma once

#include <grpcpp/grpcpp.h>

#include <string>

#include "compute/base/request_context.h"

namespace sightline {

// A server call as the roles see it. `call` must outlive the result. `default_s` is the deadline of
// callers that set none.
inline RequestContext ContextOf(grpc::ServerContext* call, const std::string& request_id,
                                double default_s) {
  RequestContext context;
  context.cancelled = [call] { return call->IsCancelled(); };
  context.request_id = request_id;
  context.deadline = absl::FromChrono(call->deadline());
  absl::Time most = absl::Now() + absl::Seconds(default_s);
  if (context.deadline > absl::Now() + absl::Hours(24 * 365)) context.deadline = most;
  return context;
}

}  // namespace sightline
