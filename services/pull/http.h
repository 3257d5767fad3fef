// One HTTP GET at a time over libcurl: TLS verified, proxies of the environment, no redirects
// followed, everything bounded.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "compute/base/status.h"
#include "services/pull/retry.h"

namespace sightline::pull {

struct HttpOptions {
  std::string ca_file;  // PEM certificates to trust; empty: the system's
  double connect_timeout_s = 15;
  double stall_timeout_s = 30;  // this long without a byte
};

struct HttpRequest {
  std::string url;
  std::string bearer;      // token, or empty
  int64_t first_byte = 0;  // above 0: ask for the rest from here
  double timeout_s = 0;    // for the whole answer; 0: none
};

struct HttpHead {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string Header(const std::string& name) const;
};

// Bytes of a body whose status is 2xx, as they arrive; a status of its own ends the transfer.
using BodySink = std::function<Status(const HttpHead& head, std::string_view bytes)>;

// Keeps its connections. One thread at a time.
class HttpClient {
 public:
  HttpClient(const HttpOptions& options, Cancelled cancelled);
  ~HttpClient();

  // Any HTTP status is an answer. UNAVAILABLE or DEADLINE_EXCEEDED: the network failed and may work
  // later; FAILED_PRECONDITION with TLS_FAILED: the server is not who it says; CANCELLED; or what
  // the sink returned.
  StatusOr<HttpHead> Get(const HttpRequest& request, const BodySink& sink);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sightline::pull
