// What a role serves to gateways: the internal protos over its local implementation.
#pragma once

#include "services/roles/language_role.h"
#include "services/roles/vision_role.h"
#include "sightline/internal/v1/language.grpc.pb.h"
#include "sightline/internal/v1/vision.grpc.pb.h"

namespace sightline {

// `role` must outlive the service.
class VisionServiceImpl final : public internal::v1::VisionService::Service {
 public:
  VisionServiceImpl(VisionRole* role, double default_deadline_s)
      : role_(role), default_deadline_s_(default_deadline_s) {}
  grpc::Status Encode(grpc::ServerContext* call, const internal::v1::EncodeRequest* request,
                      internal::v1::EncodeResponse* response) override;
  grpc::Status EncodeImage(grpc::ServerContext* call,
                           const internal::v1::EncodeImageRequest* request,
                           internal::v1::EncodeImageResponse* response) override;
  grpc::Status GetVisionInfo(grpc::ServerContext* call,
                             const internal::v1::GetVisionInfoRequest* request,
                             internal::v1::GetVisionInfoResponse* response) override;

 private:
  VisionRole* role_;
  double default_deadline_s_;
};

class LanguageServiceImpl final : public internal::v1::LanguageService::Service {
 public:
  LanguageServiceImpl(LanguageRole* role, double default_deadline_s)
      : role_(role), default_deadline_s_(default_deadline_s) {}
  grpc::Status Generate(grpc::ServerContext* call, const internal::v1::GenerateRequest* request,
                        grpc::ServerWriter<internal::v1::GenerateResponse>* writer) override;
  grpc::Status GetLanguageInfo(grpc::ServerContext* call,
                               const internal::v1::GetLanguageInfoRequest* request,
                               internal::v1::GetLanguageInfoResponse* response) override;

 private:
  LanguageRole* role_;
  double default_deadline_s_;
};

}  // namespace sightline
