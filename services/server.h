// One process of Sightline: the roles its configuration names, behind one gRPC port.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "compute/base/status.h"
#include "services/config.h"

namespace grpc {
class Channel;
}

namespace sightline {

struct ServerHooks {
  std::function<void(const std::string& stage, double share)> loading;  // 0 to 1; may be empty
  std::function<void()> opening;  // all is loaded, and requests can come from here on; may be empty
  std::function<void(double share)> decoding;  // of clips, local vision only; may be empty
};

// Serves from Start to Drain or destruction. Health (grpc.health.v1) and reflection are on.
class Server {
 public:
  // Loads what the role needs, waits for remote roles up to `wait_s`, and serves. With `in_process`
  // nothing listens: Channel() is the only way in.
  static StatusOr<std::unique_ptr<Server>> Start(const ServerConfig& config,
                                                 const ServerHooks& hooks = {},
                                                 bool in_process = false, double wait_s = 60);
  ~Server();

  int port() const;  // as bound, when listen asked for port 0; 0 for unix sockets
  std::shared_ptr<grpc::Channel> Channel();
  // Health says NOT_SERVING, new calls are refused, calls in flight may go on for drain_s; then
  // they are cancelled.
  void Drain();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The model that is configured (a folder, a GGUF file, or a folder with one), or the folder of the
// one that ships: ./models/scenes, or beside the program. NOT_FOUND says where it looked.
StatusOr<std::string> FindModel(const std::string& configured);

}  // namespace sightline
