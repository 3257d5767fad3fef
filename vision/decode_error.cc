#include "vision/decode_error.h"

namespace sightline {
namespace {

absl::string_view View(std::string_view text) {
  return absl::string_view(text.data(), text.size());
}

}  // namespace

Status MediaError(std::string_view reason, std::string_view message) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, View(reason), View(message));
}

Status MediaBudgetError(std::string_view reason, std::string_view message) {
  return ErrorWithReason(absl::StatusCode::kResourceExhausted, View(reason), View(message));
}

}  // namespace sightline
