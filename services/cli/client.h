// What the commands share: where to ask, how to read files, how to say what went wrong.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compute/base/status.h"
#include "services/cli/progress_bar.h"
#include "services/server.h"
#include "sightline/v1/vision_language_service.grpc.pb.h"

namespace sightline::cli {

struct Target {
  std::string server = "127.0.0.1:50051";
  bool local = false;  // start a server inside this process
  // Settings of a local server (services/config.h); not given: as the environment says, or built
  // in.
  std::optional<std::string> model, mmproj, device, weights, kv;
  double deadline_s = 300;
};

// What files are sent as: kAuto goes by their first bytes.
enum class MediaKind { kAuto, kImage, kVideo };

// A connection; owns the server of --local.
class Client {
 public:
  static StatusOr<std::unique_ptr<Client>> Connect(const Target& target);
  v1::VisionLanguageService::Stub* stub() { return stub_.get(); }
  std::unique_ptr<grpc::ClientContext> Call() const;

 private:
  Target target_;
  std::unique_ptr<ProgressBar> decoding_;
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::VisionLanguageService::Stub> stub_;
};

// A file becomes an image or a clip, anything else is text. NOT_FOUND: it is called like a file,
// and there is none. INVALID_ARGUMENT: a folder, or a file that is no image or clip.
StatusOr<v1::Content> ToContent(const std::string& argument, MediaKind kind, bool must_be_file);

// "error: <message>" with what can be done about it, on standard error; returns the exit status for
// it.
int Fail(const Status& status);
int Fail(const grpc::Status& status, const Target& target);
// Warnings, and with `verbose` usage and timings, on standard error.
void PrintSummary(const v1::AnswerSummary& summary, bool verbose);
std::string ToJson(const google::protobuf::Message& message);

}  // namespace sightline::cli
