// How every call ends, public or between roles: what its work threw is a status, one line of log
// says how it went, and the caller gets a gRPC status.
#pragma once

#include <grpcpp/support/status.h>

#include <cstddef>
#include <functional>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "compute/base/status.h"

namespace sightline {

struct CallFacts {
  const char* rpc;         // the method's name
  std::string request_id;  // passed CheckRequestId, since it goes to the log
  size_t bytes = 0;        // of the request
  absl::Time began = absl::Now();
};

// The status of `work`; OUT_OF_MEMORY or INTERNAL with the text of what it threw.
Status Guarded(const std::function<Status()>& work);

// Writes the call's line of log: error where the text stays on this side (status_map.h), else info.
// Returns what the caller is told. Thread-safe.
grpc::Status Report(const CallFacts& call, const Status& status);

// Empty, or at most 64 letters, digits, "-", "_" and "."; INVALID_ARGUMENT at request_id otherwise.
Status CheckRequestId(const std::string& id);

}  // namespace sightline
