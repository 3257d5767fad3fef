// Addresses that a server listens on or finds its roles at.
#pragma once

#include <string>
#include <string_view>

#include "compute/base/status.h"

namespace sightline {

struct Address {
  std::string host;  // a name, an IPv4 address or an IPv6 address without its brackets
  int port = 0;
  std::string path;  // of a unix socket; host and port are empty then

  bool IsUnix() const { return !path.empty(); }
  // No other machine can reach it: a unix socket, localhost, or an address (not a name) of the
  // loopback.
  bool OnThisMachine() const;
};

// HOST:PORT, with an IPv6 address in brackets, or unix:PATH. The message of INVALID_ARGUMENT
// completes the sentence "<setting> ...".
StatusOr<Address> ParseAddress(std::string_view text);

}  // namespace sightline
