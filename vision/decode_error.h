// Errors about media that a caller sent. Each carries a stable reason (UPPER_SNAKE_CASE; read it
// with ReasonOf of compute/base/status.h). The text is ours: it never holds words from a decoder, a
// path or a pointer.
#pragma once

#include <string_view>

#include "compute/base/status.h"

namespace sightline {

// InvalidArgument: the bytes can't be used whatever the load is.
Status MediaError(std::string_view reason, std::string_view message);
// ResourceExhausted: the media may be sound, yet needs more work or memory than one request is
// given.
Status MediaBudgetError(std::string_view reason, std::string_view message);

}  // namespace sightline
