// What every public call passes: request id, admission, deadline, errors, one line of log.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "compute/base/request_context.h"
#include "compute/base/status.h"
#include "services/config.h"

namespace sightline {

// Whether a call takes one of the places that limit requests in flight.
enum class Admission { kLimited, kAlways };

// Shared by the public services of a process, so that their calls count against one limit.
// Thread-safe.
class CallEdge {
 public:
  explicit CallEdge(const ServerConfig& config)
      : max_concurrent_(config.max_concurrent), default_deadline_s_(config.default_deadline_s) {}

  // Calls that still run at `last` end with UNAVAILABLE, reason SHUTTING_DOWN.
  void EndBy(absl::Time last) { end_ns_ = absl::ToUnixNanos(last); }

  // Runs `work` on this thread unless the call is refused. `bytes` of the request, for the log.
  grpc::Status Serve(const char* rpc, grpc::ServerContext* call, const std::string& request_id,
                     size_t bytes, const std::function<Status(const RequestContext&)>& work,
                     Admission admission = Admission::kLimited);

 private:
  bool Over() const { return absl::GetCurrentTimeNanos() >= end_ns_; }

  int64_t max_concurrent_;
  double default_deadline_s_;
  std::atomic<int64_t> in_flight_{0};
  std::atomic<int64_t> end_ns_{std::numeric_limits<int64_t>::max()};
};

}  // namespace sightline
