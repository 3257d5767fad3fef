#include "services/roles/role_services.h"

#include <functional>
#include <string>

#include "services/call_context.h"
#include "services/call_report.h"
#include "services/roles/codec.h"

namespace sightline {
namespace {

// Runs a call of the role and reports it, as the gateway's CallEdge does without admission: the
// gateway has counted the request already.
grpc::Status Serve(CallFacts facts, grpc::ServerContext* call, double default_deadline_s,
                   const std::function<Status(const RequestContext&)>& work) {
  Status status = CheckRequestId(facts.request_id);
  if (!status.ok()) facts.request_id.clear();
  if (status.ok())
    status = Guarded([&] { return work(ContextOf(call, facts.request_id, default_deadline_s)); });
  return Report(facts, status);
}

}  // namespace

grpc::Status VisionServiceImpl::Encode(grpc::ServerContext* call,
                                       const internal::v1::EncodeRequest* request,
                                       internal::v1::EncodeResponse* response) {
  auto work = [&](const RequestContext& context) -> Status {
    SL_ASSIGN_OR_RETURN(MediaItem item, DecodeMediaItem(*request));
    SL_ASSIGN_OR_RETURN(FoundMedia found,
                        role_->Encode(item, DecodeLimits(request->limits()), context));
    EncodeMedia(*found.media, response->mutable_media());
    response->set_cached(found.cached);
    return absl::OkStatus();
  };
  return Serve({"Encode", request->request_id(), request->ByteSizeLong()}, call,
               default_deadline_s_, work);
}

grpc::Status VisionServiceImpl::EncodeImage(grpc::ServerContext* call,
                                            const internal::v1::EncodeImageRequest* request,
                                            internal::v1::EncodeImageResponse* response) {
  auto work = [&](const RequestContext& context) -> Status {
    const ImageRequest native{request->model(), request->data(), request->top_k()};
    SL_ASSIGN_OR_RETURN(ImageFeatures features,
                        role_->EncodeImage(native, DecodeLimits(request->limits()), context));
    EncodeImageFeatures(features, response);
    return absl::OkStatus();
  };
  return Serve({"EncodeImage", request->request_id(), request->ByteSizeLong()}, call,
               default_deadline_s_, work);
}

grpc::Status VisionServiceImpl::GetVisionInfo(grpc::ServerContext* call,
                                              const internal::v1::GetVisionInfoRequest* request,
                                              internal::v1::GetVisionInfoResponse* response) {
  auto work = [&](const RequestContext& context) -> Status {
    SL_ASSIGN_OR_RETURN(VisionInfo info, role_->Info(context));
    response->set_model(info.model);
    response->set_parameter_count(info.parameter_count);
    response->set_channels(info.channels);
    if (info.images) response->add_kinds(internal::v1::MEDIA_KIND_IMAGE);
    if (info.clips) response->add_kinds(internal::v1::MEDIA_KIND_VIDEO);
    return absl::OkStatus();
  };
  return Serve({"GetVisionInfo", "", request->ByteSizeLong()}, call, default_deadline_s_, work);
}

grpc::Status LanguageServiceImpl::Generate(
    grpc::ServerContext* call, const internal::v1::GenerateRequest* request,
    grpc::ServerWriter<internal::v1::GenerateResponse>* writer) {
  auto work = [&](const RequestContext& context) -> Status {
    SL_ASSIGN_OR_RETURN(GenerateRequest native, DecodeGenerate(*request));
    auto sink = [&](const Delta& delta) {
      internal::v1::GenerateResponse event;
      event.mutable_delta()->set_text(delta.text);
      event.mutable_delta()->set_tokens(delta.tokens);
      return writer->Write(event);
    };
    SL_ASSIGN_OR_RETURN(GenerateSummary summary, role_->Generate(native, context, sink));
    internal::v1::GenerateResponse last;
    EncodeSummary(summary, last.mutable_summary());
    writer->Write(last);
    return absl::OkStatus();
  };
  return Serve({"Generate", request->request_id(), request->ByteSizeLong()}, call,
               default_deadline_s_, work);
}

grpc::Status LanguageServiceImpl::GetLanguageInfo(
    grpc::ServerContext* call, const internal::v1::GetLanguageInfoRequest* request,
    internal::v1::GetLanguageInfoResponse* response) {
  auto work = [&](const RequestContext& context) -> Status {
    SL_ASSIGN_OR_RETURN(LanguageInfo info, role_->Info(context));
    EncodeLanguageInfo(info, response);
    return absl::OkStatus();
  };
  return Serve({"GetLanguageInfo", "", request->ByteSizeLong()}, call, default_deadline_s_, work);
}

}  // namespace sightline
