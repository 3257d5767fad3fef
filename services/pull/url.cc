#include "services/pull/url.h"

#include <curl/curl.h>

#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "services/pull/names.h"

namespace sightline::pull {
namespace {

using Handle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

Status Bad(const std::string& url) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "URL_INVALID",
                         "not a usable URL: '" + Printable(url.substr(0, url.find('?'))) + "'",
                         "endpoint");
}

StatusOr<Handle> Parse(const std::string& url) {
  Handle handle(curl_url(), curl_url_cleanup);
  if (!handle || curl_url_set(handle.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return Bad(url);
  return handle;
}

std::string Part(const Handle& handle, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(handle.get(), part, &text, flags) != CURLUE_OK) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

}  // namespace

StatusOr<std::string> OriginOf(const std::string& url) {
  SL_ASSIGN_OR_RETURN(const Handle handle, Parse(url));
  const std::string host = Part(handle, CURLUPART_HOST);
  if (host.empty()) return Bad(url);
  return absl::AsciiStrToLower(Part(handle, CURLUPART_SCHEME) + "://" + host + ":" +
                               Part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

StatusOr<std::string> ResolveUrl(const std::string& base, const std::string& location) {
  SL_ASSIGN_OR_RETURN(const Handle handle, Parse(base));
  if (location.empty() ||
      curl_url_set(handle.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK)
    return Bad(location);
  return Part(handle, CURLUPART_URL);
}

Status CheckTransport(const std::string& url) {
  SL_ASSIGN_OR_RETURN(const Handle handle, Parse(url));
  // user:password@ would go into process lists and messages; the token has its own way.
  if (!Part(handle, CURLUPART_USER).empty() || !Part(handle, CURLUPART_PASSWORD).empty())
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "URL_INVALID",
                           "a URL with a user name is refused", "endpoint");
  const std::string scheme = Part(handle, CURLUPART_SCHEME), host = Part(handle, CURLUPART_HOST);
  const bool here = host == "localhost" || host == "127.0.0.1" || host == "[::1]";
  if (scheme == "https" || (scheme == "http" && here)) return absl::OkStatus();
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "TRANSPORT_REFUSED",
                         UrlForMessages(url) + ": only https is used beyond this machine",
                         "endpoint");
}

std::string EscapeUrl(std::string_view text, bool keep_slash) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (absl::ascii_isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~' ||
        (c == '/' && keep_slash)) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
    }
  }
  return out;
}

std::string UrlForMessages(const std::string& url) {
  auto handle = Parse(url);
  if (!handle.ok()) return "an unusable URL";
  std::string out = Part(*handle, CURLUPART_SCHEME) + "://" + Part(*handle, CURLUPART_HOST);
  if (const std::string port = Part(*handle, CURLUPART_PORT); !port.empty()) out += ":" + port;
  return Printable(out + Part(*handle, CURLUPART_PATH), 300);
}

std::string NextLink(std::string_view header) {
  while (!header.empty()) {
    const size_t open = header.find('<'), close = header.find('>', open);
    if (open == std::string_view::npos || close == std::string_view::npos) return {};
    const std::string_view target = header.substr(open + 1, close - open - 1);
    const size_t end = header.find(',', close);
    const std::string_view parameters = header.substr(close, end - close);
    if (absl::StrContains(std::string(parameters), "rel=\"next\"")) return std::string(target);
    if (end == std::string_view::npos) return {};
    header.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace sightline::pull
