#include "services/roles/remote.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "services/error.h"
#include "services/roles/codec.h"
#include "services/status_map.h"

namespace sightline {
namespace {

// Waits a moment for a connection that is down. While it is, gRPC fails calls at once; and in a
// process that serves nothing yet, no other thread reads from sockets: without a call that waits, a
// new connection goes unheard until gRPC looks by itself, every 5 s.
void AwaitConnection(grpc::Channel* channel, const RequestContext& context) {
  if (channel->GetState(true) == GRPC_CHANNEL_READY) return;
  const absl::Time end = std::min(context.deadline, absl::Now() + absl::Milliseconds(200));
  channel->WaitForConnected(absl::ToChronoTime(end));
}

// A client call that ends when the request it serves is cancelled. Blocking reads cannot look for
// themselves.
class WatchedCall {
 public:
  explicit WatchedCall(const RequestContext& context) : watched_(context) {
    if (context.deadline != absl::InfiniteFuture())
      call_.set_deadline(absl::ToChronoTime(context.deadline));
    if (!context.request_id.empty()) call_.AddMetadata("x-request-id", context.request_id);
    if (context.cancelled) watcher_ = std::thread([this] { Watch(); });
  }
  ~WatchedCall() {
    {
      std::lock_guard<std::mutex> lock(mu_);
      ended_ = true;
    }
    wake_.notify_one();
    if (watcher_.joinable()) watcher_.join();
  }
  grpc::ClientContext* call() { return &call_; }

 private:
  void Watch() {
    std::unique_lock<std::mutex> lock(mu_);
    while (!wake_.wait_for(lock, std::chrono::milliseconds(10), [this] { return ended_; })) {
      if (watched_.cancelled()) {
        call_.TryCancel();
        return;
      }
    }
  }
  const RequestContext& watched_;
  grpc::ClientContext call_;
  std::mutex mu_;
  std::condition_variable wake_;
  bool ended_ = false;
  std::thread watcher_;
};

// The other role's answer, as this role's caller should hear it.
Status Heard(const grpc::Status& status, const RequestContext& context, const char* role) {
  if (status.ok()) return absl::OkStatus();
  SL_RETURN_IF_ERROR(context.Check());
  // Details are written by our own services alone: without them it is the connection that failed.
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && status.error_details().empty()) {
    return TryLater(absl::StatusCode::kUnavailable,
                    std::string("the ") + role + " role cannot be reached", "ROLE_UNAVAILABLE",
                    1000);
  }
  return FromGrpc(status);
}

}  // namespace

std::shared_ptr<grpc::Channel> RoleChannel(const std::string& address) {
  grpc::ChannelArguments args;
  args.SetMaxReceiveMessageSize(-1);
  args.SetMaxSendMessageSize(-1);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 20000);
  // Channels of one process to one address would share a connection and its flow control.
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), args);
}

StatusOr<FoundMedia> RemoteVision::Encode(const MediaItem& item, const MediaLimits& limits,
                                          const RequestContext& context) {
  WatchedCall call(context);
  internal::v1::EncodeRequest request;
  EncodeMediaItem(item, &request);
  EncodeLimits(limits, request.mutable_limits());
  request.set_request_id(context.request_id);
  internal::v1::EncodeResponse response;
  SL_RETURN_IF_ERROR(Heard(stub_->Encode(call.call(), request, &response), context, "vision"));
  auto media = DecodeMedia(response.media());
  if (!media.ok())
    return absl::InternalError("the vision role's reply makes no sense: " +
                               std::string(media.status().message()));
  return FoundMedia{*std::move(media), response.cached()};
}

StatusOr<ImageFeatures> RemoteVision::EncodeImage(const ImageRequest& request,
                                                  const MediaLimits& limits,
                                                  const RequestContext& context) {
  WatchedCall call(context);
  internal::v1::EncodeImageRequest wire;
  wire.set_model(request.model);
  wire.set_data(request.bytes.data(), request.bytes.size());
  wire.set_top_k(request.top_k);
  EncodeLimits(limits, wire.mutable_limits());
  wire.set_request_id(context.request_id);
  internal::v1::EncodeImageResponse response;
  SL_RETURN_IF_ERROR(Heard(stub_->EncodeImage(call.call(), wire, &response), context, "vision"));
  auto features = DecodeImageFeatures(response);
  if (!features.ok())
    return absl::InternalError("the vision role's reply makes no sense: " +
                               std::string(features.status().message()));
  return features;
}

StatusOr<VisionInfo> RemoteVision::Info(const RequestContext& context) {
  AwaitConnection(channel_.get(), context);
  WatchedCall call(context);
  internal::v1::GetVisionInfoResponse response;
  SL_RETURN_IF_ERROR(Heard(stub_->GetVisionInfo(call.call(), {}, &response), context, "vision"));
  VisionInfo info{response.model(), response.parameter_count(), response.channels(), false, false};
  for (int kind : response.kinds()) {
    info.images = info.images || kind == internal::v1::MEDIA_KIND_IMAGE;
    info.clips = info.clips || kind == internal::v1::MEDIA_KIND_VIDEO;
  }
  return info;
}

StatusOr<GenerateSummary> RemoteLanguage::Generate(const GenerateRequest& request,
                                                   const RequestContext& context,
                                                   const Sink& sink) {
  WatchedCall call(context);
  internal::v1::GenerateRequest wire;
  EncodeGenerate(request, &wire);
  wire.set_request_id(context.request_id);
  auto reader = stub_->Generate(call.call(), wire);
  internal::v1::GenerateResponse event;
  StatusOr<GenerateSummary> summary =
      absl::InternalError("the language role ended without a summary");
  bool left = false;
  while (reader->Read(&event)) {
    if (event.has_summary()) summary = DecodeSummary(event.summary());
    if (event.has_delta() && !left && !sink({event.delta().text(), event.delta().tokens()})) {
      left = true;
      call.call()->TryCancel();
    }
  }
  const grpc::Status status = reader->Finish();
  if (left) return absl::CancelledError("the caller stopped reading");
  SL_RETURN_IF_ERROR(Heard(status, context, "language"));
  return summary;
}

StatusOr<LanguageInfo> RemoteLanguage::Info(const RequestContext& context) {
  AwaitConnection(channel_.get(), context);
  WatchedCall call(context);
  internal::v1::GetLanguageInfoResponse response;
  SL_RETURN_IF_ERROR(
      Heard(stub_->GetLanguageInfo(call.call(), {}, &response), context, "language"));
  return DecodeLanguageInfo(response);
}

}  // namespace sightline
