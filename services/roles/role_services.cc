#include "services/roles/role_services.h"

#include "services/call_context.h"
#include "services/roles/codec.h"
#include "services/status_map.h"

namespace sightline {

grpc::Status VisionServiceImpl::Encode(grpc::ServerContext* call,
                                       const internal::v1::EncodeRequest* request,
                                       internal::v1::EncodeResponse* response) {
  const RequestContext context = ContextOf(call, request->request_id(), default_deadline_s_);
  auto item = DecodeMediaItem(*request);
  if (!item.ok()) return ToGrpc(item.status(), request->request_id());
  auto found = role_->Encode(*item, context);
  if (!found.ok()) return ToGrpc(found.status(), request->request_id());
  EncodeMedia(*found->media, response->mutable_media());
  response->set_cached(found->cached);
  return grpc::Status::OK;
}

grpc::Status VisionServiceImpl::EncodeImage(grpc::ServerContext* call,
                                            const internal::v1::EncodeImageRequest* request,
                                            internal::v1::EncodeImageResponse* response) {
  const RequestContext context = ContextOf(call, request->request_id(), default_deadline_s_);
  const ImageRequest native{request->model(), request->data(), request->top_k()};
  auto features = role_->EncodeImage(native, context);
  if (!features.ok()) return ToGrpc(features.status(), request->request_id());
  EncodeImageFeatures(*features, response);
  return grpc::Status::OK;
}

grpc::Status VisionServiceImpl::GetVisionInfo(grpc::ServerContext* call,
                                              const internal::v1::GetVisionInfoRequest*,
                                              internal::v1::GetVisionInfoResponse* response) {
  auto info = role_->Info(ContextOf(call, "", default_deadline_s_));
  if (!info.ok()) return ToGrpc(info.status());
  response->set_model(info->model);
  response->set_parameter_count(info->parameter_count);
  response->set_channels(info->channels);
  if (info->images) response->add_kinds(internal::v1::MEDIA_KIND_IMAGE);
  if (info->clips) response->add_kinds(internal::v1::MEDIA_KIND_VIDEO);
  return grpc::Status::OK;
}

grpc::Status LanguageServiceImpl::Generate(
    grpc::ServerContext* call, const internal::v1::GenerateRequest* request,
    grpc::ServerWriter<internal::v1::GenerateResponse>* writer) {
  const RequestContext context = ContextOf(call, request->request_id(), default_deadline_s_);
  auto native = DecodeGenerate(*request);
  if (!native.ok()) return ToGrpc(native.status(), request->request_id());
  auto summary = role_->Generate(*native, context, [&](const Delta& delta) {
    internal::v1::GenerateResponse event;
    event.mutable_delta()->set_text(delta.text);
    event.mutable_delta()->set_tokens(delta.tokens);
    return writer->Write(event);
  });
  if (!summary.ok()) return ToGrpc(summary.status(), request->request_id());
  internal::v1::GenerateResponse last;
  EncodeSummary(*summary, last.mutable_summary());
  writer->Write(last);
  return grpc::Status::OK;
}

grpc::Status LanguageServiceImpl::GetLanguageInfo(grpc::ServerContext* call,
                                                  const internal::v1::GetLanguageInfoRequest*,
                                                  internal::v1::GetLanguageInfoResponse* response) {
  auto info = role_->Info(ContextOf(call, "", default_deadline_s_));
  if (!info.ok()) return ToGrpc(info.status());
  EncodeLanguageInfo(*info, response);
  return grpc::Status::OK;
}

}  // namespace sightline
