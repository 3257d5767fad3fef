// An HTTPS server on loopback for tests: a certificate made at start, a thread a connection, one
// request a connection.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace sightline::pull {

struct Request {
  std::string method, target;
  std::map<std::string, std::string> headers;  // names in lower case
};

// What a handler writes to. A false return: the other side is gone.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual bool Write(std::string_view bytes) = 0;
};

// Writes a whole answer with its length; `headers` end in \r\n each.
void Send(Connection* to, int status, const std::string& headers, std::string_view body);

class TlsServer {
 public:
  using Handler = std::function<void(const Request&, Connection*)>;
  // Serves until destroyed. `folder` takes the certificate.
  TlsServer(const std::string& folder, Handler handler);
  ~TlsServer();
  std::string url() const;      // https://127.0.0.1:PORT
  std::string ca_file() const;  // trusts this server

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sightline::pull
