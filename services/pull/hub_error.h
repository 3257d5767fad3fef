// What an HTTP status of a hub means to the person who asked.
#pragma once

#include <string>

#include "services/pull/http.h"
#include "services/pull/retry.h"

namespace sightline::pull {

// What was asked for, for messages and hints.
struct Subject {
  std::string endpoint, repository, revision;
  std::string file;        // empty: the model as a whole
  bool has_token = false;  // one was sent
};

// Of a status that is no success. Reasons: REPOSITORY_NOT_FOUND, REVISION_NOT_FOUND,
// FILE_NOT_FOUND, GATED, TOKEN_REFUSED, RATE_LIMITED, HUB_UNAVAILABLE, HUB_REPLY_INVALID.
Attempt FromHubStatus(const HttpHead& head, const Subject& subject);

}  // namespace sightline::pull
