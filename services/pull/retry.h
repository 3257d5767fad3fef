// Tries again what may work a moment later, for a bounded number of times with growing pauses.
#pragma once

#include <functional>
#include <string>

#include "compute/base/status.h"

namespace sightline::pull {

// Asked often, from several threads; true ends the work with CANCELLED.
using Cancelled = std::function<bool()>;
Status CancelledError();

struct RetryPolicy {
  int attempts = 5;            // in a row without progress
  int most_attempts = 200;     // in all
  double first_pause_s = 0.5;  // doubled each time, with up to a quarter of jitter
  double longest_pause_s = 30;
  double longest_retry_after_s = 120;  // a server that asks for a longer pause ends the work
};

struct Attempt {
  Status status;
  bool retry = false;         // a failure that may pass
  bool progressed = false;    // more bytes are safe than before it
  double retry_after_s = -1;  // what the server asked for
};

Status WithRetries(const RetryPolicy& policy, const Cancelled& cancelled,
                   const std::function<Attempt()>& attempt);

// Seconds of a Retry-After header, given as a number or a date; -1 if it is neither.
double ParseRetryAfter(const std::string& value);

}  // namespace sightline::pull
