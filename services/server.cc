#include "services/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "compute/base/thread_pool.h"
#include "fusion/gguf/model.h"
#include "services/address.h"
#include "services/gateway/gateway_service.h"
#include "services/gateway/image_encoder_service.h"
#include "services/log.h"
#include "services/malformed_message.h"
#include "services/roles/local_language.h"
#include "services/roles/local_vision.h"
#include "services/roles/media_limits.h"
#include "services/roles/remote.h"
#include "services/roles/role_services.h"

namespace sightline {
namespace {

// What calls have, after the time a drain leaves them, to end with a word.
constexpr absl::Duration kLastWord = absl::Seconds(2);

int Cores(const ServerConfig& c) {
  return c.threads > 0 ? static_cast<int>(c.threads)
                       : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// Reports decoding to whoever started the server, which a remote caller cannot see.
class ReportingVision : public LocalVision {
 public:
  ReportingVision(std::unique_ptr<VisionPipeline> p, std::unique_ptr<EncoderSet> encoders,
                  int parallel, int64_t cache_bytes, std::function<void(double)> report)
      : LocalVision(std::move(p), std::move(encoders), parallel, cache_bytes),
        report_(std::move(report)) {}
  StatusOr<FoundMedia> Encode(const MediaItem& item, const MediaLimits& limits,
                              const RequestContext& context) override {
    MediaItem seen = item;
    seen.progress = report_;
    return LocalVision::Encode(seen, limits, context);
  }

 private:
  std::function<void(double)> report_;
};

// The setting is named, and what to do where a backend is missing.
StatusOr<Device> OpenDevice(const std::string& name) {
  auto device = Device::Open(name);
  if (device.ok()) return device;
  const Status& s = device.status();
  std::string text = "model.device is \"" + name + "\": " + std::string(s.message());
  if (ReasonOf(s) == "BACKEND_NOT_BUILT")
    text += "; use cpu, or build with `cmake --preset cuda` and `cmake --build build/cuda`";
  return ErrorWithReason(s.code(), ReasonOf(s), text, "model.device");
}

StatusOr<std::unique_ptr<VisionRole>> LoadVision(const std::string& folder, const ServerConfig& c,
                                                 const ServerHooks& hooks,
                                                 const LoadProgress& progress) {
  SL_ASSIGN_OR_RETURN(Device device, OpenDevice(c.device));
  SL_ASSIGN_OR_RETURN(WeightChoice weights, ParseWeightChoice(c.weights));
  SL_ASSIGN_OR_RETURN(auto pipeline, VisionPipeline::Load(folder, progress, device, weights));
  pipeline->set_limits(MediaLimitsOf(c));
  SL_ASSIGN_OR_RETURN(auto encoders, EncoderSet::Load(c.encoders, device));
  const int parallel = std::min(Cores(c), 4096);
  const int64_t cache_bytes = c.visual_cache_mib << 20;
  if (hooks.decoding)
    return std::unique_ptr<VisionRole>(std::make_unique<ReportingVision>(
        std::move(pipeline), std::move(encoders), parallel, cache_bytes, hooks.decoding));
  return std::unique_ptr<VisionRole>(std::make_unique<LocalVision>(
      std::move(pipeline), std::move(encoders), parallel, cache_bytes));
}

StatusOr<std::unique_ptr<LanguageRole>> LoadLanguage(const std::string& folder,
                                                     const ServerConfig& c,
                                                     const LoadProgress& progress) {
  EngineOptions options;
  options.max_active = static_cast<int>(c.max_active);
  options.max_queued = static_cast<int>(c.max_concurrent);
  options.step_tokens = static_cast<int>(c.step_tokens);
  options.prefill_chunk = static_cast<int>(c.prefill_chunk);
  options.reuse_prefixes = c.reuse_prefixes;
  options.kv_budget_bytes = c.kv_mib << 20;
  SL_ASSIGN_OR_RETURN(options.device, OpenDevice(c.device));
  SL_ASSIGN_OR_RETURN(options.weights, ParseWeightChoice(c.weights));
  SL_ASSIGN_OR_RETURN(options.kv, ParseKvChoice(c.kv));
  SL_ASSIGN_OR_RETURN(auto engine, Engine::Load(folder, options, progress));
  return std::unique_ptr<LanguageRole>(std::make_unique<LocalLanguage>(std::move(engine)));
}

// Asks until the role answers; the first failure that is no absence ends it.
template <typename Role>
auto Await(Role* role, const char* name, double wait_s) {
  const absl::Time end = absl::Now() + absl::Seconds(wait_s);
  bool told = false;
  for (;;) {
    RequestContext context;
    context.deadline = absl::Now() + absl::Seconds(2);
    auto info = role->Info(context);
    const auto code = info.status().code();
    if (info.ok() ||
        (code != absl::StatusCode::kUnavailable && code != absl::StatusCode::kDeadlineExceeded) ||
        absl::Now() > end)
      return info;
    if (!told) Log(LogLevel::kInfo, "waiting for a role", {{"role", name}});
    told = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

}  // namespace

struct Server::Impl {
  ServerConfig config;
  std::unique_ptr<VisionRole> vision;
  std::unique_ptr<LanguageRole> language;
  std::unique_ptr<CallEdge> edge;
  std::unique_ptr<grpc::Service> vision_service, language_service, gateway, image_encoder;
  std::unique_ptr<grpc::Server> server;
  std::once_flag drained;
  int port = 0;

  Status LoadRoles(const ServerHooks& hooks);
  Status MakeServices(double wait_s);
  Status Listen(bool in_process);
};

Status Server::Impl::LoadRoles(const ServerHooks& hooks) {
  auto loading = [&](const std::string& stage, double share) {
    if (hooks.loading) hooks.loading(stage, share);
  };
  if (config.role == "gateway") {
    vision = std::make_unique<RemoteVision>(RoleChannel(config.vision));
    language = std::make_unique<RemoteLanguage>(RoleChannel(config.language));
    return absl::OkStatus();
  }
  SL_ASSIGN_OR_RETURN(std::string folder, FindModel(config.model));
  if (!config.mmproj.empty()) {
    if (!IsGgufPath(folder))
      return ErrorWithReason(absl::StatusCode::kInvalidArgument, "CONFIG_INVALID",
                             "mmproj goes with a model that is a GGUF file", "mmproj");
    folder = GgufPath(folder, config.mmproj);
  }
  // Both roles count the bytes of the same files; each reads its own part of them.
  double before = 0, share = 0;
  auto tensors = [&](const LoadStep& s) {
    share = before + (s.bytes_total > 0
                          ? static_cast<double>(s.bytes_done) / static_cast<double>(s.bytes_total)
                          : 0);
    loading(std::to_string(s.tensors_done) + " tensors of " + std::to_string(s.tensors_total),
            share);
  };
  if (config.role != "language") {
    loading("vision", 0);
    SL_ASSIGN_OR_RETURN(vision, LoadVision(folder, config, hooks, tensors));
  }
  if (config.role != "vision") {
    before = share;
    loading("language", share);
    SL_ASSIGN_OR_RETURN(language, LoadLanguage(folder, config, tensors));
  }
  loading("ready", 1);
  return absl::OkStatus();
}

Status Server::Impl::MakeServices(double wait_s) {
  if (config.role == "vision") {
    vision_service = std::make_unique<VisionServiceImpl>(vision.get(), config.default_deadline_s);
    return absl::OkStatus();
  }
  if (config.role == "language") {
    language_service =
        std::make_unique<LanguageServiceImpl>(language.get(), config.default_deadline_s);
    return absl::OkStatus();
  }
  SL_ASSIGN_OR_RETURN(VisionInfo v, Await(vision.get(), "vision", wait_s));
  SL_ASSIGN_OR_RETURN(LanguageInfo l, Await(language.get(), "language", wait_s));
  if (v.channels != l.channels || v.model != l.model) {
    return ErrorWithReason(absl::StatusCode::kFailedPrecondition, "ROLES_DISAGREE",
                           "the vision role has loaded " + v.model + " (" +
                               std::to_string(v.channels) + " channels), the language role " +
                               l.model + " (" + std::to_string(l.channels) +
                               "); start both with the same model");
  }
  edge = std::make_unique<CallEdge>(config);
  gateway =
      std::make_unique<GatewayService>(vision.get(), language.get(), l, v, config, edge.get());
  image_encoder =
      std::make_unique<ImageEncoderServiceImpl>(vision.get(), MediaLimitsOf(config), edge.get());
  return absl::OkStatus();
}

Status Server::Impl::Listen(bool in_process) {
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  const int message = static_cast<int>(config.max_message_mib << 20);
  // Between roles the edge has already held the size against the limit, and visual tokens may be
  // larger than their file.
  builder.SetMaxReceiveMessageSize(gateway ? message : -1);
  builder.SetMaxSendMessageSize(-1);
  grpc::ResourceQuota quota("sightline");
  quota.SetMaxThreads(static_cast<int>(2 * config.max_concurrent + 16));
  quota.Resize(
      static_cast<size_t>(std::max<int64_t>(int64_t{2} << 30, 4 * (config.max_message_mib << 20))));
  builder.SetResourceQuota(quota);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             static_cast<int>(2 * config.max_concurrent));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60000);
  // A second server on the same port would take half of the calls in silence.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  if (!in_process)
    builder.AddListeningPort(config.listen, grpc::InsecureServerCredentials(), &port);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> watch;
  watch.push_back(std::make_unique<MalformedMessages>());
  builder.experimental().SetInterceptorCreators(std::move(watch));
  for (grpc::Service* s :
       {vision_service.get(), language_service.get(), gateway.get(), image_encoder.get()}) {
    if (s) builder.RegisterService(s);
  }
  server = builder.BuildAndStart();
  if (!server || (!in_process && port == 0)) {
    return ErrorWithReason(
        absl::StatusCode::kUnavailable, "CANNOT_LISTEN",
        "cannot listen on " + config.listen +
            "; is another server running there, the address not of this machine, or the folder of "
            "the socket missing?");
  }
  // gRPC says 1 of a unix socket that it has bound.
  if (auto address = ParseAddress(config.listen); address.ok() && address->IsUnix()) port = 0;
  server->GetHealthCheckService()->SetServingStatus(true);
  for (const char* name :
       {"sightline.v1.VisionLanguageService", "sightline.v1.ImageEncoderService",
        "sightline.internal.v1.VisionService", "sightline.internal.v1.LanguageService"}) {
    const bool here =
        (gateway && std::string(name).find("sightline.v1.") != std::string::npos) ||
        (vision_service && std::string(name).find("internal.v1.Vision") != std::string::npos) ||
        (language_service && std::string(name).find("internal.v1.Language") != std::string::npos);
    if (here) server->GetHealthCheckService()->SetServingStatus(name, true);
  }
  return absl::OkStatus();
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

StatusOr<std::unique_ptr<Server>> Server::Start(const ServerConfig& config,
                                                const ServerHooks& hooks, bool in_process,
                                                double wait_s) {
  SL_RETURN_IF_ERROR(CheckConfig(config));
  SetLogLevel(config.log_level);
  SetComputeThreads(Cores(config));
  auto impl = std::make_unique<Impl>();
  impl->config = config;
  const absl::Time began = absl::Now();
  SL_RETURN_IF_ERROR(impl->LoadRoles(hooks));
  SL_RETURN_IF_ERROR(impl->MakeServices(wait_s));
  if (hooks.opening) hooks.opening();
  SL_RETURN_IF_ERROR(impl->Listen(in_process));
  if (!in_process)
    Log(LogLevel::kInfo, "serving",
        {{"role", config.role},
         {"listen", config.listen},
         {"port", impl->port},
         {"load_ms", absl::ToDoubleMilliseconds(absl::Now() - began)}});
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::~Server() { Drain(); }
int Server::port() const { return impl_->port; }
std::shared_ptr<grpc::Channel> Server::Channel() {
  grpc::ChannelArguments args;
  args.SetMaxReceiveMessageSize(-1);
  return impl_->server->InProcessChannel(args);
}

void Server::Drain() {
  std::call_once(impl_->drained, [this] {
    Log(LogLevel::kDebug, "draining", {{"drain_s", impl_->config.drain_s}});
    impl_->server->GetHealthCheckService()->SetServingStatus(false);
    const absl::Time last = absl::Now() + absl::Seconds(impl_->config.drain_s);
    // Calls that end themselves can say why; gRPC cuts off those that have not.
    if (impl_->edge) impl_->edge->EndBy(last);
    impl_->server->Shutdown(absl::ToChronoTime(impl_->edge ? last + kLastWord : last));
    impl_->server->Wait();
  });
}

StatusOr<std::string> FindModel(const std::string& configured) {
  namespace fs = std::filesystem;
  std::error_code ec;
  std::vector<fs::path> places;
  if (!configured.empty()) {
    places = {configured};
  } else {
    places.push_back("models/scenes");
    const fs::path self = fs::read_symlink("/proc/self/exe", ec);
    // build/<preset>/bin in a checkout; bin in an installation.
    if (!ec)
      places.insert(places.end(), {self.parent_path() / "../../../models/scenes",
                                   self.parent_path() / "../share/sightline/models/scenes"});
  }
  std::string tried;
  for (const fs::path& p : places) {
    if (fs::exists(p / "config.json", ec)) return fs::weakly_canonical(p, ec).string();
    std::string gguf = FindGguf(p.string());
    if (!gguf.empty()) return gguf;
    tried += (tried.empty() ? "" : ", ") + p.lexically_normal().string();
  }
  return ErrorWithReason(absl::StatusCode::kNotFound, "MODEL_NOT_FOUND",
                         "no model there (a folder with config.json, or a GGUF file): " + tried);
}

}  // namespace sightline
