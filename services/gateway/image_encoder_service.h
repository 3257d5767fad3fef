// The public service of image encoders: checks, admits, runs, reports.
#pragma once

#include "services/gateway/call_edge.h"
#include "services/roles/vision_role.h"
#include "sightline/v1/image_encoder_service.grpc.pb.h"

namespace sightline {

// `vision` and `edge` must outlive the service. `limits` of each image.
class ImageEncoderServiceImpl final : public v1::ImageEncoderService::Service {
 public:
  ImageEncoderServiceImpl(VisionRole* vision, const MediaLimits& limits, CallEdge* edge)
      : vision_(vision), limits_(limits), edge_(edge) {}

  grpc::Status EncodeImage(grpc::ServerContext* call, const v1::EncodeImageRequest* request,
                           v1::EncodeImageResponse* response) override;
  grpc::Status ClassifyImage(grpc::ServerContext* call, const v1::ClassifyImageRequest* request,
                             v1::ClassifyImageResponse* response) override;

 private:
  VisionRole* vision_;
  MediaLimits limits_;
  CallEdge* edge_;
};

}  // namespace sightline
