#include "compute/base/status.h"

#include <string>

#include "absl/strings/cord.h"

namespace sightline {
namespace {
constexpr char kReason[] = "sightline.reason";
constexpr char kField[] = "sightline.field";

std::string Payload(const Status& status, const char* key) {
  auto value = status.GetPayload(key);
  return value ? std::string(*value) : std::string();
}
}  // namespace

Status ErrorWithReason(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                       absl::string_view field) {
  Status s(code, message);
  s.SetPayload(kReason, absl::Cord(reason));
  if (!field.empty()) s.SetPayload(kField, absl::Cord(field));
  return s;
}

std::string ReasonOf(const Status& status) { return Payload(status, kReason); }
std::string FieldOf(const Status& status) { return Payload(status, kField); }

Status AtField(Status status, absl::string_view field) {
  if (!status.ok()) status.SetPayload(kField, absl::Cord(field));
  return status;
}

}  // namespace sightline
