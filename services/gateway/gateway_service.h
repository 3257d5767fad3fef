// The public service: checks, admits, runs, reports.
#pragma once

#include <string>

#include "services/config.h"
#include "services/gateway/answer_flow.h"
#include "services/gateway/call_edge.h"
#include "sightline/v1/vision_language_service.grpc.pb.h"

namespace sightline {

class GatewayService final : public v1::VisionLanguageService::Service {
 public:
  // The roles and the edge must outlive the service; `model` and `media` are what the roles have
  // loaded.
  GatewayService(VisionRole* vision, LanguageRole* language, LanguageInfo model, VisionInfo media,
                 const ServerConfig& config, CallEdge* edge);

  grpc::Status Answer(grpc::ServerContext* call, const v1::AnswerRequest* request,
                      v1::AnswerResponse* response) override;
  grpc::Status StreamAnswer(grpc::ServerContext* call, const v1::StreamAnswerRequest* request,
                            grpc::ServerWriter<v1::StreamAnswerResponse>* writer) override;
  grpc::Status Caption(grpc::ServerContext* call, const v1::CaptionRequest* request,
                       v1::CaptionResponse* response) override;
  grpc::Status ListModels(grpc::ServerContext* call, const v1::ListModelsRequest* request,
                          v1::ListModelsResponse* response) override;

 private:
  template <typename Request, typename Work>
  grpc::Status Serve(const char* rpc, grpc::ServerContext* call, const Request& request,
                     const Work& work);
  template <typename Request>
  Status AnswerTo(const Request& request, const RequestContext& context,
                  const LanguageRole::Sink& sink, v1::AnswerSummary* summary);
  Status CaptionAll(const v1::CaptionRequest& request, const RequestContext& context,
                    v1::CaptionResponse* response);
  Status Models(const v1::ListModelsRequest& request, v1::ListModelsResponse* response) const;

  AnswerFlow flow_;
  LanguageInfo model_;
  VisionInfo media_;
  ServerConfig config_;
  CallEdge* edge_;
};

}  // namespace sightline
