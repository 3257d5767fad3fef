#include "services/error.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"

namespace sightline {
namespace {
constexpr char kRetryMs[] = "sightline.retry_ms";
absl::string_view View(std::string_view s) { return {s.data(), s.size()}; }
}  // namespace

Status InvalidField(std::string_view field, std::string_view why, std::string_view reason) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, View(reason),
                         std::string(field) + " " + std::string(why), View(field));
}

Status TryLater(absl::StatusCode code, std::string_view message, std::string_view reason,
                int64_t retry_ms) {
  return WithRetryMs(ErrorWithReason(code, View(reason), View(message)), retry_ms);
}

Status AtFile(Status status, std::string_view field) {
  const bool at_fault = status.code() == absl::StatusCode::kInvalidArgument ||
                        ReasonOf(status) == "VIDEO_DECODE_BUDGET";
  return at_fault && FieldOf(status).empty() ? AtField(std::move(status), View(field)) : status;
}

std::optional<int64_t> RetryMsOf(const Status& status) {
  auto payload = status.GetPayload(kRetryMs);
  int64_t ms = 0;
  if (payload && absl::SimpleAtoi(std::string(*payload), &ms)) return ms;
  return std::nullopt;
}

Status WithRetryMs(Status status, int64_t retry_ms) {
  if (!status.ok()) status.SetPayload(kRetryMs, absl::Cord(std::to_string(retry_ms)));
  return status;
}

}  // namespace sightline
