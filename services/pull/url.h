// The little of URLs that a download needs.
#pragma once

#include <string>
#include <string_view>

#include "compute/base/status.h"

namespace sightline::pull {

// scheme://host:port in lower case with the port spelled out: what a token may be sent to.
StatusOr<std::string> OriginOf(const std::string& url);

// `location` as seen from `base`, as in a redirect or a Link header.
StatusOr<std::string> ResolveUrl(const std::string& base, const std::string& location);

// https anywhere; plain http only to this machine itself.
Status CheckTransport(const std::string& url);

// Percent-encodes what is no letter, digit or one of "-._~" and, where `keep_slash`, '/'.
std::string EscapeUrl(std::string_view text, bool keep_slash);

// Scheme, host and path: the query of a redirect is often a signature, which no message may show.
std::string UrlForMessages(const std::string& url);

// The target of rel="next" in a Link header, or "".
std::string NextLink(std::string_view link_header);

}  // namespace sightline::pull
