#include "services/pull/http.h"

#include <curl/curl.h>

#include <exception>
#include <mutex>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "services/pull/names.h"
#include "services/pull/url.h"

namespace sightline::pull {
namespace {

constexpr size_t kMostHeaderBytes = 64 << 10, kMostErrorBytes = 64 << 10;

// What the callbacks of one transfer share. They are called from C: nothing may be thrown.
struct Transfer {
  HttpHead head;
  const BodySink* sink = nullptr;
  const Cancelled* cancelled = nullptr;
  size_t header_bytes = 0, error_bytes = 0;
  Status failure;
};

Status TooMuch(const char* what) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "HUB_REPLY_INVALID",
                         std::string("the server sends too much: ") + what);
}

size_t OnHeader(char* data, size_t, size_t size, void* user) {
  auto* t = static_cast<Transfer*>(user);
  const std::string_view line(data, size);
  t->header_bytes += size;
  if (t->header_bytes > kMostHeaderBytes) {
    t->failure = TooMuch("headers");
    return 0;
  }
  if (absl::StartsWith(absl::string_view(data, size), "HTTP/")) {
    t->head = {};  // of an interim answer, 100 or 103
    const size_t space = line.find(' ');
    if (space == std::string_view::npos ||
        !absl::SimpleAtoi(std::string(line.substr(space + 1, 3)), &t->head.status))
      t->head.status = 0;
    return size;
  }
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos)
    t->head.headers[absl::AsciiStrToLower(std::string(line.substr(0, colon)))] =
        std::string(absl::StripAsciiWhitespace(std::string(line.substr(colon + 1))));
  return size;
}

size_t OnBody(char* data, size_t, size_t size, void* user) {
  auto* t = static_cast<Transfer*>(user);
  if (t->head.status < 200 || t->head.status > 299) {
    // Headers say what went wrong; the text is for browsers. Returning less ends the transfer.
    t->error_bytes += size;
    return t->error_bytes > kMostErrorBytes ? 0 : size;
  }
  try {
    t->failure = (*t->sink)(t->head, std::string_view(data, size));
  } catch (const std::exception&) {
    t->failure = absl::ResourceExhaustedError("out of memory while receiving");
  }
  return t->failure.ok() ? size : 0;
}

int OnProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return (*static_cast<Transfer*>(user)->cancelled)() ? 1 : 0;
}

Status NetworkError(absl::StatusCode code, absl::string_view reason, const std::string& url,
                    const std::string& what) {
  return ErrorWithReason(code, reason, UrlForMessages(url) + ": " + what);
}

// A code of libcurl as a status; `detail` is its own message, which names hosts but no headers.
Status FromCurl(CURLcode code, const std::string& url, const std::string& detail) {
  const std::string what = Printable(detail.empty() ? curl_easy_strerror(code) : detail);
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return CancelledError();
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return NetworkError(
          absl::StatusCode::kFailedPrecondition, "TLS_FAILED", url,
          "the server's certificate is not trusted (" + what +
              "); behind a proxy that re-signs, give its certificate with --ca-file");
    case CURLE_OPERATION_TIMEDOUT:
      return NetworkError(absl::StatusCode::kDeadlineExceeded, "HUB_TIMEOUT", url,
                          "no answer in time (" + what + ")");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return NetworkError(absl::StatusCode::kInvalidArgument, "URL_INVALID", url, what);
    default:
      return NetworkError(absl::StatusCode::kUnavailable, "HUB_UNREACHABLE", url, what);
  }
}

void GlobalInit() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

struct SlistFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

}  // namespace

struct HttpClient::State {
  HttpOptions options;
  Cancelled cancelled;
  CURL* curl = nullptr;
};

std::string HttpHead::Header(const std::string& name) const {
  const auto it = headers.find(name);
  return it == headers.end() ? std::string() : it->second;
}

HttpClient::HttpClient(const HttpOptions& options, Cancelled cancelled)
    : state_(std::make_unique<State>()) {
  GlobalInit();
  state_->options = options;
  state_->cancelled = std::move(cancelled);
  state_->curl = curl_easy_init();
}

HttpClient::~HttpClient() { curl_easy_cleanup(state_->curl); }

StatusOr<HttpHead> HttpClient::Get(const HttpRequest& request, const BodySink& sink) {
  SL_RETURN_IF_ERROR(CheckTransport(request.url));
  CURL* c = state_->curl;
  if (!c) return absl::ResourceExhaustedError("no memory for a transfer");
  Transfer t;
  t.sink = &sink;
  t.cancelled = &state_->cancelled;
  char detail[CURL_ERROR_SIZE] = "";
  std::unique_ptr<curl_slist, SlistFree> headers;
  if (!request.bearer.empty())
    headers.reset(curl_slist_append(nullptr, ("Authorization: Bearer " + request.bearer).c_str()));
  curl_easy_reset(c);  // options, not connections
  curl_easy_setopt(c, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https,http");
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_USERAGENT, "sightline");
  curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(c, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  if (!state_->options.ca_file.empty())
    curl_easy_setopt(c, CURLOPT_CAINFO, state_->options.ca_file.c_str());
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(state_->options.connect_timeout_s * 1000));
  curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout_s * 1000));
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME,
                   std::max(1L, static_cast<long>(state_->options.stall_timeout_s)));
  if (request.first_byte > 0)
    curl_easy_setopt(c, CURLOPT_RANGE, (std::to_string(request.first_byte) + "-").c_str());
  curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(c, CURLOPT_HEADERDATA, &t);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &t);
  curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, OnProgress);
  curl_easy_setopt(c, CURLOPT_XFERINFODATA, &t);
  curl_easy_setopt(c, CURLOPT_ERRORBUFFER, detail);
  curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 256L << 10);
  const CURLcode code = curl_easy_perform(c);
  curl_easy_setopt(c, CURLOPT_ERRORBUFFER, nullptr);
  SL_RETURN_IF_ERROR(t.failure);
  const bool refused = code == CURLE_WRITE_ERROR && t.error_bytes > kMostErrorBytes;
  if (code != CURLE_OK && !refused) return FromCurl(code, request.url, detail);
  return std::move(t.head);
}

}  // namespace sightline::pull
