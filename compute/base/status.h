// Errors of input, environment and load are absl::Status; our own mistakes are SL_CHECK (check.h).
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sightline {

using absl::Status;
using absl::StatusOr;

// A status with a stable, machine-readable reason ("IMAGE_TOO_LARGE") and, where it fits, the
// request field at fault.
Status ErrorWithReason(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                       absl::string_view field = "");
std::string ReasonOf(const Status& status);
std::string FieldOf(const Status& status);
// The same status with the field set, for callers that know where the value came from.
Status AtField(Status status, absl::string_view field);

}  // namespace sightline

#define SL_RETURN_IF_ERROR(expr)           \
  do {                                     \
    ::absl::Status sl_status = (expr);     \
    if (!sl_status.ok()) return sl_status; \
  } while (0)

// NOLINTBEGIN(bugprone-macro-parentheses): names, and `lhs` may declare a variable.
#define SL_CONCAT2(a, b) a##b
#define SL_CONCAT(a, b) SL_CONCAT2(a, b)
#define SL_ASSIGN_OR_RETURN(lhs, expr) SL_ASSIGN_IMPL(SL_CONCAT(sl_or_, __LINE__), lhs, expr)
#define SL_ASSIGN_IMPL(tmp, lhs, expr)           \
  auto tmp = (expr);                             \
  if (!tmp.ok()) return std::move(tmp).status(); \
  lhs = std::move(tmp).value()
// NOLINTEND(bugprone-macro-parentheses)
