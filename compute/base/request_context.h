// What travels with a request through every role: who may stop it, and when.
#pragma once

#include <functional>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "compute/base/status.h"

namespace sightline {

struct RequestContext {
  std::function<bool()> cancelled;  // may be empty; called from any thread
  absl::Time deadline = absl::InfiniteFuture();
  std::string request_id;

  // CANCELLED or DEADLINE_EXCEEDED once the caller has left or time is up.
  Status Check() const {
    if (cancelled && cancelled()) return absl::CancelledError("the caller cancelled the request");
    if (absl::Now() >= deadline)
      return absl::DeadlineExceededError("the deadline passed before the answer was complete");
    return absl::OkStatus();
  }
};

}  // namespace sightline
