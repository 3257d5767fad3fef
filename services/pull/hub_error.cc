#include "services/pull/hub_error.h"

#include "absl/strings/match.h"
#include "services/pull/names.h"

namespace sightline::pull {
namespace {

using absl::StatusCode;

Attempt Final(StatusCode code, absl::string_view reason, const std::string& message) {
  return {ErrorWithReason(code, reason, message)};
}

Attempt Gated(const Subject& s) {
  return Final(StatusCode::kPermissionDenied, "GATED",
               s.repository + " is gated: ask for access at " + s.endpoint + "/" + s.repository +
                   (s.has_token ? "; the account of HF_TOKEN has not been granted it"
                                : ", then set HF_TOKEN to a token of that account"));
}

Attempt RepositoryNotFound(const Subject& s) {
  return Final(StatusCode::kNotFound, "REPOSITORY_NOT_FOUND",
               "there is no model " + s.repository + " at " + s.endpoint +
                   (s.has_token ? " that the token of HF_TOKEN can see"
                                : "; if it is private, set HF_TOKEN"));
}

Attempt NotFound(const std::string& code, const Subject& s) {
  if (code == "RevisionNotFound")
    return Final(StatusCode::kNotFound, "REVISION_NOT_FOUND",
                 s.repository + " has no revision '" + s.revision + "'");
  if (code == "RepoNotFound" || s.file.empty()) return RepositoryNotFound(s);
  return Final(StatusCode::kNotFound, "FILE_NOT_FOUND",
               s.repository + " lists " + Printable(s.file) + " but does not have it");
}

// A hub answers 401 also for names that do not exist, so as not to tell which ones do.
Attempt Unauthorized(const std::string& code, const std::string& message, const Subject& s) {
  if (code == "GatedRepo") return Gated(s);
  if (s.has_token && (code.empty() || absl::StrContains(message, "Invalid credentials")))
    return Final(StatusCode::kUnauthenticated, "TOKEN_REFUSED",
                 "the hub refuses the token of HF_TOKEN: it is wrong or has expired");
  return RepositoryNotFound(s);
}

Attempt Later(StatusCode code, absl::string_view reason, const std::string& message,
              const HttpHead& head) {
  Attempt a = Final(code, reason, message);
  a.retry = true;
  a.retry_after_s = ParseRetryAfter(head.Header("retry-after"));
  if (a.retry_after_s >= 0)
    a.status = ErrorWithReason(code, reason,
                               message + "; it asks to wait " +
                                   std::to_string(static_cast<int64_t>(a.retry_after_s)) + " s");
  return a;
}

}  // namespace

Attempt FromHubStatus(const HttpHead& head, const Subject& s) {
  const std::string code = head.Header("x-error-code"), message = head.Header("x-error-message");
  const std::string number = std::to_string(head.status);
  switch (head.status) {
    case 401:
      return Unauthorized(code, message, s);
    case 403:
      if (code == "GatedRepo" || code.empty()) return Gated(s);
      return Final(StatusCode::kPermissionDenied, "TOKEN_REFUSED",
                   "the hub refuses access to " + s.repository + ": " + Printable(message));
    case 404:
      return NotFound(code, s);
    case 429:
      return Later(StatusCode::kResourceExhausted, "RATE_LIMITED",
                   s.has_token ? "the hub limits the rate of requests (429)"
                               : "the hub limits the rate of requests (429); HF_TOKEN raises the "
                                 "limit",
                   head);
    case 408:
    case 500:
    case 502:
    case 503:
    case 504:
      return Later(StatusCode::kUnavailable, "HUB_UNAVAILABLE",
                   "the hub is in trouble (" + number + ")", head);
    default:
      return Final(StatusCode::kUnavailable, "HUB_REPLY_INVALID",
                   "the hub answers with status " + number +
                       (message.empty() ? "" : ": " + Printable(message)));
  }
}

}  // namespace sightline::pull
