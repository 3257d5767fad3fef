// What a role's own log says of the calls that a gateway makes.
#include "services/roles/role_services.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "services/log.h"
#include "services/roles/remote.h"

namespace sightline {
namespace {

class FakeVision : public VisionRole {
 public:
  std::function<Status(const RequestContext&)> outcome = [](auto&) { return absl::OkStatus(); };

  StatusOr<FoundMedia> Encode(const MediaItem&, const MediaLimits&,
                              const RequestContext& context) override {
    SL_RETURN_IF_ERROR(outcome(context));
    auto media = std::make_shared<EncodedMedia>();
    media->channels = 1;
    return FoundMedia{media, false};
  }
  StatusOr<ImageFeatures> EncodeImage(const ImageRequest&, const MediaLimits&,
                                      const RequestContext& context) override {
    return outcome(context);
  }
  StatusOr<VisionInfo> Info(const RequestContext& context) override {
    SL_RETURN_IF_ERROR(outcome(context));
    return VisionInfo{"m", 1, 2};
  }
};

class FakeLanguage : public LanguageRole {
 public:
  StatusOr<GenerateSummary> Generate(const GenerateRequest&, const RequestContext&,
                                     const Sink& sink) override {
    sink({"half an", 2});
    throw std::runtime_error("the decoder's pages are gone");
  }
  StatusOr<LanguageInfo> Info(const RequestContext&) override { return LanguageInfo{}; }
};

class RoleServicesTest : public ::testing::Test {
 protected:
  RoleServicesTest() {
    SetLogLevel("info");
    grpc::ServerBuilder builder;
    builder.RegisterService(&vision_service_);
    builder.RegisterService(&language_service_);
    server_ = builder.BuildAndStart();
    context_.request_id = "id-7";
  }
  ~RoleServicesTest() override { server_->Shutdown(); }

  // The lines that the log gets from what `call` does.
  static std::vector<nlohmann::json> Logged(const std::function<void()>& call) {
    ::testing::internal::CaptureStderr();
    call();
    std::istringstream text(::testing::internal::GetCapturedStderr());
    std::vector<nlohmann::json> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
  RemoteVision Vision() { return RemoteVision(server_->InProcessChannel({})); }

  FakeVision vision_;
  FakeLanguage language_;
  VisionServiceImpl vision_service_{&vision_, 10};
  LanguageServiceImpl language_service_{&language_, 10};
  std::unique_ptr<grpc::Server> server_;
  RequestContext context_;
};

TEST_F(RoleServicesTest, ACallThatSucceedsIsOneLine) {
  const auto lines = Logged([&] {
    MediaItem item;
    item.bytes = "some bytes";
    EXPECT_TRUE(Vision().Encode(item, MediaLimits(), context_).ok());
  });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["msg"], "call");
  EXPECT_EQ(lines[0]["level"], "info");
  EXPECT_EQ(lines[0]["rpc"], "Encode");
  EXPECT_EQ(lines[0]["request_id"], "id-7");
  EXPECT_EQ(lines[0]["code"], "OK");
  EXPECT_GE(lines[0]["ms"].get<double>(), 0);
  EXPECT_GT(lines[0]["bytes"].get<int>(), 10);
  EXPECT_FALSE(lines[0].contains("error"));
}

TEST_F(RoleServicesTest, InternalTextIsInTheLogAloneUnderTheCallersId) {
  vision_.outcome = [](auto&) { return absl::InternalError("layer 3 has no weights"); };
  const auto lines = Logged([&] {
    const Status s = Vision().EncodeImage({"m", "x"}, MediaLimits(), context_).status();
    EXPECT_EQ(s.code(), absl::StatusCode::kInternal);
    EXPECT_EQ(s.message().find("layer"), absl::string_view::npos) << s;
  });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["level"], "error");
  EXPECT_EQ(lines[0]["rpc"], "EncodeImage");
  EXPECT_EQ(lines[0]["request_id"], "id-7");
  EXPECT_EQ(lines[0]["code"], "INTERNAL");
  EXPECT_EQ(lines[0]["error"], "layer 3 has no weights");
}

TEST_F(RoleServicesTest, RefusalsAreNoErrorsOfOurs) {
  vision_.outcome = [](auto&) {
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "IMAGE_CORRUPT", "is no image");
  };
  const auto lines =
      Logged([&] { EXPECT_FALSE(Vision().EncodeImage({}, MediaLimits(), context_).ok()); });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["level"], "info");
  EXPECT_EQ(lines[0]["reason"], "IMAGE_CORRUPT");
  EXPECT_EQ(lines[0]["error"], "is no image");
}

TEST_F(RoleServicesTest, WhatIsThrownIsInternalAndLogged) {
  RemoteLanguage language(server_->InProcessChannel({}));
  const auto lines = Logged([&] {
    const Status s = language.Generate({}, context_, [](const Delta&) { return true; }).status();
    EXPECT_EQ(s.code(), absl::StatusCode::kInternal) << s;
  });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["level"], "error");
  EXPECT_EQ(lines[0]["rpc"], "Generate");
  EXPECT_EQ(lines[0]["request_id"], "id-7");
  EXPECT_EQ(lines[0]["error"], "the decoder's pages are gone");
}

TEST_F(RoleServicesTest, MemoryThatIsGoneIsAShortage) {
  vision_.outcome = [](auto&) -> Status { throw std::bad_alloc(); };
  const auto lines = Logged([&] {
    const Status s = Vision().EncodeImage({}, MediaLimits(), context_).status();
    EXPECT_EQ(ReasonOf(s), "OUT_OF_MEMORY") << s;
  });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["level"], "info");
}

TEST_F(RoleServicesTest, AnIdThatCannotGoToALogIsRefused) {
  context_.request_id = "";
  internal::v1::EncodeRequest request;
  request.set_request_id("two\nlines");
  const auto lines = Logged([&] {
    grpc::ClientContext call;
    internal::v1::EncodeResponse response;
    auto stub = internal::v1::VisionService::NewStub(server_->InProcessChannel({}));
    EXPECT_EQ(stub->Encode(&call, request, &response).error_code(),
              grpc::StatusCode::INVALID_ARGUMENT);
  });
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0]["request_id"], "");
  EXPECT_EQ(lines[0]["field"], "request_id");
}

}  // namespace
}  // namespace sightline
