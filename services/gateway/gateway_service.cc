#include "services/gateway/gateway_service.h"

#include "services/error.h"
#include "services/roles/media_limits.h"

namespace sightline {
namespace {

constexpr const char* kCaptionQuestion = "Describe the image.";
constexpr const char* kStoryQuestion = "Describe the clip.";

}  // namespace

GatewayService::GatewayService(VisionRole* vision, LanguageRole* language, LanguageInfo model,
                               VisionInfo media, const ServerConfig& config, CallEdge* edge)
    : flow_(vision, language, MediaLimitsOf(config)),
      model_(std::move(model)),
      media_(std::move(media)),
      config_(config),
      edge_(edge) {}

template <typename Request, typename Work>
grpc::Status GatewayService::Serve(const char* rpc, grpc::ServerContext* call,
                                   const Request& request, const Work& work) {
  return edge_->Serve(rpc, call, request.request_id(), request.ByteSizeLong(), work);
}

template <typename Request>
Status GatewayService::AnswerTo(const Request& request, const RequestContext& context,
                                const LanguageRole::Sink& sink, v1::AnswerSummary* summary) {
  SL_RETURN_IF_ERROR(CheckModel(request.model(), model_.model));
  SL_ASSIGN_OR_RETURN(CheckedOptions options,
                      CheckOptions(request.generation_options(), config_, model_));
  SL_ASSIGN_OR_RETURN(std::vector<CheckedPart> parts,
                      CheckContent(request.content(), config_, TextRule::kRequired));
  summary->set_model("models/" + model_.model);
  summary->set_request_id(context.request_id);
  return flow_.Run(parts, options, context, sink, summary);
}

grpc::Status GatewayService::Answer(grpc::ServerContext* call, const v1::AnswerRequest* request,
                                    v1::AnswerResponse* response) {
  return Serve("Answer", call, *request, [&](const RequestContext& context) {
    return AnswerTo(
        *request, context,
        [&](const Delta& d) {
          response->mutable_text()->append(d.text);
          return true;
        },
        response->mutable_summary());
  });
}

grpc::Status GatewayService::StreamAnswer(grpc::ServerContext* call,
                                          const v1::StreamAnswerRequest* request,
                                          grpc::ServerWriter<v1::StreamAnswerResponse>* writer) {
  return Serve("StreamAnswer", call, *request, [&](const RequestContext& context) -> Status {
    v1::StreamAnswerResponse last;
    SL_RETURN_IF_ERROR(AnswerTo(
        *request, context,
        [&](const Delta& d) {
          v1::StreamAnswerResponse event;
          event.mutable_delta()->set_text(d.text);
          return writer->Write(event);
        },
        last.mutable_summary()));
    writer->Write(last);
    return absl::OkStatus();
  });
}

Status GatewayService::CaptionAll(const v1::CaptionRequest& request, const RequestContext& context,
                                  v1::CaptionResponse* response) {
  SL_RETURN_IF_ERROR(CheckModel(request.model(), model_.model));
  SL_ASSIGN_OR_RETURN(CheckedOptions options,
                      CheckOptions(request.generation_options(), config_, model_));
  SL_ASSIGN_OR_RETURN(std::vector<CheckedPart> parts,
                      CheckContent(request.content(), config_, TextRule::kRefused));
  for (const CheckedPart& part : parts) {
    CheckedPart question;
    question.is_text = true;
    question.text = part.media.kind == MediaItem::Kind::kVideo ? kStoryQuestion : kCaptionQuestion;
    v1::Caption* caption = response->add_captions();
    v1::AnswerSummary* summary = caption->mutable_summary();
    summary->set_model("models/" + model_.model);
    summary->set_request_id(context.request_id);
    const Status run = flow_.Run(
        {part, question}, options, context,
        [&](const Delta& d) {
          caption->mutable_text()->append(d.text);
          return true;
        },
        summary);
    // The prompt of a caption is this one part.
    if (FieldOf(run) == "content")
      return AtField(run, "content[" + std::to_string(part.index) + "]");
    SL_RETURN_IF_ERROR(run);
  }
  return absl::OkStatus();
}

grpc::Status GatewayService::Caption(grpc::ServerContext* call, const v1::CaptionRequest* request,
                                     v1::CaptionResponse* response) {
  return Serve("Caption", call, *request, [&](const RequestContext& context) {
    return CaptionAll(*request, context, response);
  });
}

Status GatewayService::Models(const v1::ListModelsRequest& request,
                              v1::ListModelsResponse* response) const {
  if (request.page_size() < 0) return InvalidField("page_size", "must be 0 or more");
  if (!request.page_token().empty())
    return InvalidField("page_token", "was not given out by this server");
  v1::Model* m = response->add_models();
  m->set_name("models/" + model_.model);
  m->set_display_name(model_.model);
  m->add_input_modalities(v1::MODALITY_TEXT);
  if (media_.images) m->add_input_modalities(v1::MODALITY_IMAGE);
  if (media_.clips) m->add_input_modalities(v1::MODALITY_VIDEO);
  m->set_context_tokens(model_.context_tokens);
  m->set_parameter_count(model_.parameter_count + media_.parameter_count);
  return absl::OkStatus();
}

grpc::Status GatewayService::ListModels(grpc::ServerContext* call,
                                        const v1::ListModelsRequest* request,
                                        v1::ListModelsResponse* response) {
  return edge_->Serve(
      "ListModels", call, "", request->ByteSizeLong(),
      [&](const RequestContext&) { return Models(*request, response); }, Admission::kAlways);
}

}  // namespace sightline
