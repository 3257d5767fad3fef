#include "services/pull/retry.h"

#include <curl/curl.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <random>
#include <thread>

#include "absl/strings/numbers.h"

namespace sightline::pull {
namespace {

// Sleeps in small steps, so that Ctrl-C is heard.
Status Pause(double seconds, const Cancelled& cancelled) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end) {
    if (cancelled()) return CancelledError();
    std::this_thread::sleep_for(
        std::chrono::milliseconds(std::min<int64_t>(50, static_cast<int64_t>(seconds * 1000) + 1)));
  }
  return absl::OkStatus();
}

// Callers that failed together must not come back together.
double Jitter() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::uniform_real_distribution<double>(1.0, 1.25)(random);
}

}  // namespace

Status CancelledError() {
  return ErrorWithReason(absl::StatusCode::kCancelled, "CANCELLED",
                         "cancelled; what has arrived is kept and the next pull goes on from it");
}

Status WithRetries(const RetryPolicy& policy, const Cancelled& cancelled,
                   const std::function<Attempt()>& attempt) {
  double pause_s = policy.first_pause_s;
  for (int in_all = 1, in_a_row = 1;; ++in_all, ++in_a_row) {
    if (cancelled()) return CancelledError();
    const Attempt a = attempt();
    if (a.status.ok() || !a.retry) return a.status;
    if (a.progressed) {
      in_a_row = 0;
      pause_s = policy.first_pause_s;
    }
    if (in_a_row >= policy.attempts || in_all >= policy.most_attempts) return a.status;
    if (a.retry_after_s > policy.longest_retry_after_s) return a.status;
    SL_RETURN_IF_ERROR(
        Pause(a.retry_after_s >= 0 ? a.retry_after_s : pause_s * Jitter(), cancelled));
    pause_s = std::min(pause_s * 2, policy.longest_pause_s);
  }
}

double ParseRetryAfter(const std::string& value) {
  int seconds = 0;
  if (absl::SimpleAtoi(value, &seconds)) return seconds >= 0 ? seconds : -1;
  const time_t date = curl_getdate(value.c_str(), nullptr);
  if (date < 0) return -1;
  return static_cast<double>(std::max<time_t>(0, date - std::time(nullptr)));
}

}  // namespace sightline::pull
