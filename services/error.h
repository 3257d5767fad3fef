// Facts that travel with a Status to the edge, where status_map.h turns them into google.rpc
// details. Reason and field are those of compute/base/status.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "compute/base/status.h"

namespace sightline {

// INVALID_ARGUMENT that names the field. `why` completes the sentence "<field> ...", such as "must
// be 0 to 2".
Status InvalidField(std::string_view field, std::string_view why,
                    std::string_view reason = "INVALID_FIELD");

// RESOURCE_EXHAUSTED or UNAVAILABLE with a hint when to come back.
Status TryLater(absl::StatusCode code, std::string_view message, std::string_view reason,
                int64_t retry_ms);

// Of a file that `field` holds and that was not read: names the field where the file is at fault
// and none is named yet. What the server is short of is no fault of the file.
Status AtFile(Status status, std::string_view field);

std::optional<int64_t> RetryMsOf(const Status& status);
Status WithRetryMs(Status status, int64_t retry_ms);

}  // namespace sightline
