#include "tests/pull/tls_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include "compute/base/check.h"

namespace sightline::pull {
namespace {

void AddExtension(X509* cert, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, cert, cert, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  SL_CHECK(extension && X509_add_ext(cert, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

// A self-signed certificate for 127.0.0.1, installed in `context` and written to `pem`.
void MakeCertificate(SSL_CTX* context, const std::string& pem) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = X509_new();
  SL_CHECK(key && cert);
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert), 24 * 3600);
  X509_set_pubkey(cert, key);
  X509_NAME* name = X509_get_subject_name(cert);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("127.0.0.1"), -1, -1, 0);
  X509_set_issuer_name(cert, name);
  AddExtension(cert, NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(cert, NID_subject_key_identifier, "hash");
  AddExtension(cert, NID_subject_alt_name, "IP:127.0.0.1");
  SL_CHECK(X509_sign(cert, key, EVP_sha256()) > 0);
  SL_CHECK(SSL_CTX_use_certificate(context, cert) == 1 &&
           SSL_CTX_use_PrivateKey(context, key) == 1);
  std::FILE* file = std::fopen(pem.c_str(), "w");
  SL_CHECK(file && PEM_write_X509(file, cert) == 1);
  std::fclose(file);
  X509_free(cert);
  EVP_PKEY_free(key);
}

class TlsConnection : public Connection {
 public:
  explicit TlsConnection(SSL* ssl) : ssl_(ssl) {}
  bool Write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const int n =
          SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<size_t>(bytes.size(), 16384)));
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

 private:
  SSL* ssl_;
};

bool ReadRequest(SSL* ssl, Request* request) {
  std::string text;
  char buffer[4096];
  while (text.find("\r\n\r\n") == std::string::npos) {
    const int n = SSL_read(ssl, buffer, sizeof buffer);
    if (n <= 0 || text.size() > (64 << 10)) return false;
    text.append(buffer, static_cast<size_t>(n));
  }
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  std::istringstream(line) >> request->method >> request->target;
  while (std::getline(lines, line) && line.size() > 1) {
    const size_t colon = line.find(':');
    std::string name = line.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    request->headers[name] = line.substr(colon + 2, line.size() - colon - 3);  // without \r
  }
  return true;
}

}  // namespace

void Send(Connection* to, int status, const std::string& headers, std::string_view body) {
  to->Write("HTTP/1.1 " + std::to_string(status) + " X\r\nConnection: close\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n" + headers + "\r\n");
  to->Write(body);
}

struct TlsServer::State {
  Handler handler;
  std::string pem;
  SSL_CTX* context = nullptr;
  int listener = -1, port = 0;
  std::mutex mu;
  std::vector<int> sockets;  // open ones, under mu
  bool stopping = false;     // under mu
  std::vector<std::thread> threads;
  std::thread acceptor;

  void Serve(int fd) {
    SSL* ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    Request request;
    if (SSL_accept(ssl) == 1 && ReadRequest(ssl, &request)) {
      TlsConnection connection(ssl);
      handler(request, &connection);
      SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    std::lock_guard<std::mutex> lock(mu);
    sockets.erase(std::find(sockets.begin(), sockets.end(), fd));
    close(fd);
  }

  void Accept() {
    for (;;) {
      const int fd = accept(listener, nullptr, nullptr);
      std::lock_guard<std::mutex> lock(mu);
      if (stopping || fd < 0) {
        if (fd >= 0) close(fd);
        return;
      }
      sockets.push_back(fd);
      threads.emplace_back([this, fd] { Serve(fd); });
    }
  }
};

TlsServer::TlsServer(const std::string& folder, Handler handler)
    : state_(std::make_unique<State>()) {
  std::signal(SIGPIPE, SIG_IGN);
  State& s = *state_;
  s.handler = std::move(handler);
  s.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  SL_CHECK(bind(s.listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  SL_CHECK(listen(s.listener, 64) == 0);
  SL_CHECK(getsockname(s.listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  s.port = ntohs(address.sin_port);
  s.pem = folder + "/" + std::to_string(s.port) + ".pem";
  s.context = SSL_CTX_new(TLS_server_method());
  MakeCertificate(s.context, s.pem);
  s.acceptor = std::thread([&s] { s.Accept(); });
}

TlsServer::~TlsServer() {
  State& s = *state_;
  {
    std::lock_guard<std::mutex> lock(s.mu);
    s.stopping = true;
    for (int fd : s.sockets) shutdown(fd, SHUT_RDWR);
  }
  shutdown(s.listener, SHUT_RDWR);
  s.acceptor.join();
  close(s.listener);
  for (std::thread& t : s.threads) t.join();
  SSL_CTX_free(s.context);
}

std::string TlsServer::url() const { return "https://127.0.0.1:" + std::to_string(state_->port); }
std::string TlsServer::ca_file() const { return state_->pem; }

}  // namespace sightline::pull
