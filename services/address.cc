#include "services/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace sightline {
namespace {

constexpr int kMostPort = 65535;

Status Malformed() {
  return absl::InvalidArgumentError(
      "must be HOST:PORT with a port of 0 to 65535 (an IPv6 address in brackets) or unix:PATH");
}

bool IsIpv6(const std::string& host) {
  in6_addr unused{};
  return inet_pton(AF_INET6, host.c_str(), &unused) == 1;
}

// Letters, digits, "-", "_" and ".": names and IPv4 addresses.
bool IsPlainHost(std::string_view host) {
  return !host.empty() && std::all_of(host.begin(), host.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
  });
}

// -1 when it is none.
int ParsePort(std::string_view text) {
  if (text.empty() || text.size() > 5) return -1;
  int port = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return -1;
    port = 10 * port + (c - '0');
  }
  return port <= kMostPort ? port : -1;
}

}  // namespace

bool Address::OnThisMachine() const {
  if (IsUnix() || host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

StatusOr<Address> ParseAddress(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  Address out;
  if (text.starts_with(kUnix)) {
    out.path = text.substr(kUnix.size());
    return out.path.empty() ? Malformed() : StatusOr<Address>(out);
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Malformed();
  std::string_view host = text.substr(0, colon);
  out.port = ParsePort(text.substr(colon + 1));
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  out.host = host;
  if (out.port < 0 || !(bracketed ? IsIpv6(out.host) : IsPlainHost(host))) return Malformed();
  return out;
}

}  // namespace sightline
