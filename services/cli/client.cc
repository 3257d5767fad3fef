#include "services/cli/client.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "services/status_map.h"
#include "vision/decode.h"
#include "vision/video.h"

namespace sightline::cli {
namespace {

constexpr std::uintmax_t kLargestFile = std::uintmax_t{2047} << 20;

double SecondsOf(const google::protobuf::Duration& d) {
  return static_cast<double>(d.seconds()) + d.nanos() * 1e-9;
}

// Settings of a server inside this process: environment, then flags. What the environment says of
// addresses and roles is about servers, and nothing listens here.
StatusOr<ServerConfig> LocalConfig(const Target& target) {
  const ServerConfig built_in;
  ServerConfig c;
  c.log_level = "error";
  SL_RETURN_IF_ERROR(ReadEnvironment(&c));
  c.role = built_in.role;
  c.listen = built_in.listen;
  c.vision = built_in.vision;
  c.language = built_in.language;
  const std::pair<const std::optional<std::string>&, std::string&> given[] = {
      {target.model, c.model},     {target.mmproj, c.mmproj}, {target.device, c.device},
      {target.weights, c.weights}, {target.kv, c.kv},
  };
  for (const auto& [flag, setting] : given) {
    if (flag) setting = *flag;
  }
  return c;
}

// Text seldom ends in one of these, so that what does is the name of a file, spaces or not.
bool HasMediaExtension(const std::string& name) {
  static constexpr std::string_view kKnown[] = {
      ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif", ".mp4",
      ".m4v", ".mov",  ".mkv", ".webm", ".3gp", ".ts",  ".mts", ".m2ts", ".avi",  ".mpg",  ".mpeg"};
  const std::string extension =
      absl::AsciiStrToLower(std::filesystem::path(name).extension().string());
  return std::find(std::begin(kKnown), std::end(kKnown), extension) != std::end(kKnown);
}

// What gRPC says itself of a request that the server did not read; its words tell of no setting.
bool IsTooLarge(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED &&
         status.error_details().empty() &&
         status.error_message().find("larger than max") != std::string::npos;
}

}  // namespace

StatusOr<std::unique_ptr<Client>> Client::Connect(const Target& target) {
  auto client = std::make_unique<Client>();
  client->target_ = target;
  if (target.local) {
    SL_ASSIGN_OR_RETURN(const ServerConfig config, LocalConfig(target));
    client->decoding_ = std::make_unique<ProgressBar>("decoding");
    ProgressBar loading("loading ");
    ServerHooks hooks;
    hooks.loading = [&](const std::string& stage, double share) { loading.Set(share, stage); };
    hooks.decoding = [bar = client->decoding_.get()](double share) { bar->Set(share); };
    SL_ASSIGN_OR_RETURN(client->server_, Server::Start(config, hooks, true));
    client->channel_ = client->server_->Channel();
  } else {
    grpc::ChannelArguments args;
    args.SetMaxReceiveMessageSize(-1);
    client->channel_ =
        grpc::CreateCustomChannel(target.server, grpc::InsecureChannelCredentials(), args);
  }
  client->stub_ = v1::VisionLanguageService::NewStub(client->channel_);
  return client;
}

std::unique_ptr<grpc::ClientContext> Client::Call() const {
  auto call = std::make_unique<grpc::ClientContext>();
  call->set_deadline(std::chrono::system_clock::now() +
                     std::chrono::milliseconds(static_cast<int64_t>(target_.deadline_s * 1000)));
  return call;
}

StatusOr<v1::Content> ToContent(const std::string& argument, MediaKind kind, bool must_be_file) {
  namespace fs = std::filesystem;
  v1::Content content;
  std::error_code ec;
  if (fs::is_directory(argument, ec))
    return absl::InvalidArgumentError(argument + " is a folder; name the files in it");
  if (!fs::is_regular_file(argument, ec)) {
    const bool looks_like_file = argument.size() < 200 && argument.find(' ') == std::string::npos &&
                                 !fs::path(argument).extension().empty();
    if (must_be_file || looks_like_file || HasMediaExtension(argument))
      return absl::NotFoundError("there is no file " + argument +
                                 (must_be_file ? "" : " (text must not end like a file's name)"));
    content.set_text(argument);
    return content;
  }
  if (fs::file_size(argument, ec) > kLargestFile)
    return absl::InvalidArgumentError(argument + " is larger than a request can be (2047 MiB)");
  std::ifstream in(argument, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in.bad()) return absl::InvalidArgumentError("cannot read " + argument);
  // A moving GIF could be either, and most people mean the picture.
  if (kind == MediaKind::kAuto) {
    const bool image = SniffImageFormat(bytes) != ImageFormat::kUnknown;
    if (!image && !LooksLikeVideo(bytes))
      return absl::InvalidArgumentError(
          argument +
          " is neither an image (JPEG, PNG, WebP, GIF) nor a clip (MP4, MOV, Matroska, WebM, "
          "MPEG-TS)");
    kind = image ? MediaKind::kImage : MediaKind::kVideo;
  }
  if (kind == MediaKind::kImage) {
    content.mutable_image()->set_data(std::move(bytes));
  } else {
    content.mutable_video()->set_data(std::move(bytes));
  }
  return content;
}

int Fail(const Status& status) {
  std::fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  return 1;
}

int Fail(const grpc::Status& status, const Target& target) {
  const Status s = FromGrpc(status);
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && status.error_details().empty() &&
      !target.local) {
    std::fprintf(stderr,
                 "error: no server at %s; start one with `sightline serve`, or add --local\n",
                 target.server.c_str());
    return 1;
  }
  if (IsTooLarge(status)) {
    std::fprintf(
        stderr,
        "error: the request is larger than the server's max_message_mib (%s); gRPC says: %s\n",
        target.local ? "here from SIGHTLINE_MAX_MESSAGE_MIB" : "its setting --max-message-mib",
        status.error_message().c_str());
    return 1;
  }
  std::fprintf(stderr, "error: %s (%s%s%s%s)\n", std::string(s.message()).c_str(),
               absl::StatusCodeToString(s.code()).c_str(), ReasonOf(s).empty() ? "" : " ",
               ReasonOf(s).c_str(), FieldOf(s).empty() ? "" : (", field " + FieldOf(s)).c_str());
  return 1;
}

void PrintSummary(const v1::AnswerSummary& summary, bool verbose) {
  for (const v1::Warning& w : summary.warnings()) {
    std::fprintf(stderr, "warning: part %d: %s", w.content_index(), w.message().c_str());
    if (w.code() == v1::WARNING_CODE_OUT_OF_DOMAIN)
      std::fprintf(stderr, " (score %.2f)", w.score());
    std::fputs("\n", stderr);
  }
  if (!verbose) return;
  const auto& u = summary.usage();
  const auto& t = summary.timings();
  std::fprintf(stderr,
               "%s: %d text + %d visual tokens in, %d out; vision %.0f ms, prefill %.0f ms, decode "
               "%.0f ms, total %.0f ms\n",
               summary.model().c_str(), u.prompt_tokens(), u.visual_tokens(), u.output_tokens(),
               SecondsOf(t.vision()) * 1e3, SecondsOf(t.prefill()) * 1e3,
               SecondsOf(t.decode()) * 1e3, SecondsOf(t.total()) * 1e3);
}

std::string ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.preserve_proto_field_names = true;
  std::string out;
  (void)google::protobuf::util::MessageToJsonString(message, &out, options);
  return out;
}

}  // namespace sightline::cli
