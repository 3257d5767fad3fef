#include "services/gateway/gateway_service.h"

#include <new>
#include <nlohmann/json.hpp>
#include <random>

#include "absl/strings/str_format.h"
#include "services/call_context.h"
#include "services/error.h"
#include "services/log.h"
#include "services/status_map.h"

namespace sightline {
namespace {

std::string NewRequestId() {
  static thread_local std::mt19937_64 rng(std::random_device{}());
  return absl::StrFormat("%016x%016x", rng(), rng());
}

// Holds one of the places that limit requests in flight.
class Place {
 public:
  Place(std::atomic<int64_t>* used, int64_t most) : used_(used), ok_(used->fetch_add(1) < most) {}
  ~Place() { used_->fetch_sub(1); }
  bool ok() const { return ok_; }

 private:
  std::atomic<int64_t>* used_;
  bool ok_;
};

constexpr const char* kCaptionQuestion = "Describe the image.";
constexpr const char* kStoryQuestion = "Describe the clip.";

}  // namespace

GatewayService::GatewayService(VisionRole* vision, LanguageRole* language, LanguageInfo model,
                               VisionInfo media, const ServerConfig& config)
    : flow_(vision, language),
      model_(std::move(model)),
      media_(std::move(media)),
      config_(config) {}

// Every call of the service: request id, admission, work, one line of log.
template <typename Request, typename Work>
grpc::Status GatewayService::Serve(const char* rpc, grpc::ServerContext* call,
                                   const Request& request, const Work& work) {
  const absl::Time began = absl::Now();
  Status status = CheckRequestId(request.request_id());
  const std::string id =
      !status.ok() || request.request_id().empty() ? NewRequestId() : request.request_id();
  call->AddInitialMetadata("x-request-id", id);
  Place place(&in_flight_, config_.max_concurrent);
  if (status.ok() && !place.ok())
    status = TryLater(absl::StatusCode::kResourceExhausted,
                      "the server has as many requests in flight as it takes", "SERVER_BUSY", 500);
  if (status.ok()) {
    try {
      status = work(ContextOf(call, id, config_.default_deadline_s));
    } catch (const std::bad_alloc&) {
      status = TryLater(absl::StatusCode::kResourceExhausted,
                        "there is not enough memory for this request now", "OUT_OF_MEMORY", 2000);
    } catch (const std::exception& error) {
      status = absl::InternalError(error.what());
    }
  }
  nlohmann::json fields = {{"rpc", rpc},
                           {"request_id", id},
                           {"code", absl::StatusCodeToString(status.code())},
                           {"ms", absl::ToDoubleMilliseconds(absl::Now() - began)},
                           {"bytes", request.ByteSizeLong()}};
  if (!status.ok()) {
    fields["error"] = std::string(status.message());
    if (!ReasonOf(status).empty()) fields["reason"] = ReasonOf(status);
    if (!FieldOf(status).empty()) fields["field"] = FieldOf(status);
  }
  const bool ours =
      status.code() == absl::StatusCode::kInternal || status.code() == absl::StatusCode::kUnknown;
  Log(ours ? LogLevel::kError : LogLevel::kInfo, "call", fields);
  return ToGrpc(status, id);
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
    SL_RETURN_IF_ERROR(flow_.Run(
        {part, question}, options, context,
        [&](const Delta& d) {
          caption->mutable_text()->append(d.text);
          return true;
        },
        summary));
  }
  return absl::OkStatus();
}

grpc::Status GatewayService::Caption(grpc::ServerContext* call, const v1::CaptionRequest* request,
                                     v1::CaptionResponse* response) {
  return Serve("Caption", call, *request, [&](const RequestContext& context) {
    return CaptionAll(*request, context, response);
  });
}

grpc::Status GatewayService::ListModels(grpc::ServerContext*, const v1::ListModelsRequest* request,
                                        v1::ListModelsResponse* response) {
  if (request->page_size() < 0) return ToGrpc(InvalidField("page_size", "must be 0 or more"));
  if (!request->page_token().empty())
    return ToGrpc(InvalidField("page_token", "was not given out by this server"));
  v1::Model* m = response->add_models();
  m->set_name("models/" + model_.model);
  m->set_display_name(model_.model);
  m->add_input_modalities(v1::MODALITY_TEXT);
  if (media_.images) m->add_input_modalities(v1::MODALITY_IMAGE);
  if (media_.clips) m->add_input_modalities(v1::MODALITY_VIDEO);
  m->set_context_tokens(model_.context_tokens);
  m->set_parameter_count(model_.parameter_count + media_.parameter_count);
  return grpc::Status::OK;
}

}  // namespace sightline
