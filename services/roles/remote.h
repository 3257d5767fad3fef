// Stubs of the roles that other processes serve.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <utility>

#include "services/roles/language_role.h"
#include "services/roles/vision_role.h"
#include "sightline/internal/v1/language.grpc.pb.h"
#include "sightline/internal/v1/vision.grpc.pb.h"

namespace sightline {

// A channel to another role: no size limit of its own (the edge has one), quick to notice that the
// other side is back.
std::shared_ptr<grpc::Channel> RoleChannel(const std::string& address);

// UNAVAILABLE with a hint to retry when the other side cannot be reached: Info says so after 200
// ms, all others at once.
class RemoteVision : public VisionRole {
 public:
  explicit RemoteVision(std::shared_ptr<grpc::Channel> channel)
      : channel_(std::move(channel)), stub_(internal::v1::VisionService::NewStub(channel_)) {}
  StatusOr<FoundMedia> Encode(const MediaItem& item, const MediaLimits& limits,
                              const RequestContext& context) override;
  StatusOr<ImageFeatures> EncodeImage(const ImageRequest& request, const MediaLimits& limits,
                                      const RequestContext& context) override;
  StatusOr<VisionInfo> Info(const RequestContext& context) override;

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<internal::v1::VisionService::Stub> stub_;
};

class RemoteLanguage : public LanguageRole {
 public:
  explicit RemoteLanguage(std::shared_ptr<grpc::Channel> channel)
      : channel_(std::move(channel)), stub_(internal::v1::LanguageService::NewStub(channel_)) {}
  StatusOr<GenerateSummary> Generate(const GenerateRequest& request, const RequestContext& context,
                                     const Sink& sink) override;
  StatusOr<LanguageInfo> Info(const RequestContext& context) override;

 private:
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<internal::v1::LanguageService::Stub> stub_;
};

}  // namespace sightline
