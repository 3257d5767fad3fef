// Deadlines, cancellation, busy servers, lost roles, health, reflection, drain.
#include <algorithm>
#include <atomic>
#include <thread>

#include "grpc/health/v1/health.grpc.pb.h"
#include "services/error.h"
#include "tests/e2e/raw_call.h"
#include "tests/e2e/world_server.h"

namespace sightline::e2e {
namespace {

using std::chrono::milliseconds;

// A request that decodes for seconds, whatever the weights are: words that are there already
// outrank the end mark, which is not.
v1::StreamAnswerRequest LongRequest() {
  v1::StreamAnswerRequest r;
  *r.add_content() = MediaContent("scene-0.png");
  r.add_content()->set_text("Describe the image.");
  auto* o = r.mutable_generation_options();
  o->set_max_output_tokens(3000);
  o->set_temperature(0);
  o->set_repetition_penalty(0.05);
  o->set_frequency_penalty(-2);
  return r;
}

class LifecycleTest : public ::testing::TestWithParam<bool> {};

TEST_P(LifecycleTest, CancelFreesThePlace) {
  ServerConfig front = BaseConfig();
  front.max_concurrent = 1;
  Deployment server(GetParam(), front);
  auto stub = server.Stub();
  for (int round = 0; round < 3; ++round) {
    grpc::ClientContext call;
    SetDeadline(&call, 60);
    auto reader = stub->StreamAnswer(&call, LongRequest());
    v1::StreamAnswerResponse event;
    ASSERT_TRUE(reader->Read(&event));
    // The only place is taken: others are told to come back.
    v1::AnswerResponse response;
    const grpc::Status busy = Answer(stub.get(), Ask("scene-0.png", "q"), &response);
    EXPECT_EQ(busy.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(ReasonOf(FromGrpc(busy)), "SERVER_BUSY");
    EXPECT_NE(busy.error_message().find("limits.max_concurrent"), std::string::npos);
    call.TryCancel();
    while (reader->Read(&event)) {
    }
    EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
    grpc::Status again;
    for (int i = 0; i < 100; ++i) {
      again = Answer(stub.get(), Ask("scene-0.png", "How many objects are there?"), &response);
      if (again.ok()) break;
      std::this_thread::sleep_for(milliseconds(20));
    }
    EXPECT_TRUE(again.ok()) << again.error_message();
  }
}

TEST_P(LifecycleTest, DeadlinesHoldWhileDecoding) {
  Deployment server(GetParam());
  auto stub = server.Stub();
  grpc::ClientContext call;
  call.set_deadline(std::chrono::system_clock::now() + milliseconds(700));
  const auto began = std::chrono::steady_clock::now();
  auto reader = stub->StreamAnswer(&call, LongRequest());
  v1::StreamAnswerResponse event;
  bool summary = false;
  while (reader->Read(&event)) summary = summary || event.has_summary();
  const grpc::Status s = reader->Finish();
  if (!summary) {
    EXPECT_EQ(s.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
  v1::AnswerResponse response;
  EXPECT_TRUE(
      Answer(stub.get(), Ask("scene-0.png", "How many objects are there?"), &response).ok());
}

TEST_P(LifecycleTest, HealthAndReflectionAnswer) {
  Deployment server(GetParam());
  auto health = grpc::health::v1::Health::NewStub(server.Channel());
  grpc::health::v1::HealthCheckRequest request;
  for (const char* name : {"", "sightline.v1.VisionLanguageService"}) {
    request.set_service(name);
    grpc::health::v1::HealthCheckResponse response;
    grpc::ClientContext call;
    ASSERT_TRUE(health->Check(&call, request, &response).ok()) << name;
    EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  }
  // ServerReflectionRequest{list_services: ""}: field 7.
  std::string services;
  EXPECT_TRUE(RawCall(server.Channel(),
                      "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                      std::string("\x3a\x00", 2), &services)
                  .ok());
  for (const char* name :
       {"sightline.v1.VisionLanguageService", "sightline.v1.ImageEncoderService"})
    EXPECT_NE(services.find(name), std::string::npos) << services;
}

TEST_P(LifecycleTest, WhatADrainHasNoTimeForIsToldSo) {
  ServerConfig front = BaseConfig();
  front.drain_s = 0.2;
  Deployment server(GetParam(), front);
  auto stub = server.Stub();
  grpc::ClientContext call;
  SetDeadline(&call, 60);
  auto reader = stub->StreamAnswer(&call, LongRequest());
  v1::StreamAnswerResponse event;
  ASSERT_TRUE(reader->Read(&event));
  server.front()->Drain();
  bool summary = false;
  while (reader->Read(&event)) summary = summary || event.has_summary();
  const Status s = FromGrpc(reader->Finish());
  EXPECT_FALSE(summary);
  EXPECT_EQ(s.code(), absl::StatusCode::kUnavailable) << s;
  EXPECT_EQ(ReasonOf(s), "SHUTTING_DOWN");
  EXPECT_TRUE(RetryMsOf(s).has_value());
}

TEST_P(LifecycleTest, DrainLetsCallsInFlightEnd) {
  auto server = std::make_unique<Deployment>(GetParam());
  auto stub = server->Stub();
  v1::StreamAnswerRequest r;
  *r.add_content() = MediaContent("scene-0.png");
  r.add_content()->set_text("Describe the image.");
  grpc::ClientContext call;
  SetDeadline(&call, 60);
  auto reader = stub->StreamAnswer(&call, r);
  v1::StreamAnswerResponse event;
  ASSERT_TRUE(reader->Read(&event));
  std::thread drain([&] { server->front()->Drain(); });
  bool summary = event.has_summary();
  while (reader->Read(&event)) summary = summary || event.has_summary();
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_TRUE(summary);
  drain.join();
  v1::AnswerResponse response;
  EXPECT_EQ(Answer(stub.get(), Ask("scene-0.png", "q"), &response, 5).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

INSTANTIATE_TEST_SUITE_P(Deployments, LifecycleTest, ::testing::Values(false, true),
                         [](const auto& p) { return p.param ? "Split" : "Whole"; });

TEST(RolesTest, ALostRoleIsUnavailableWithAHintAndTheGatewayLives) {
  Deployment server(true);
  auto stub = server.Stub();
  v1::AnswerResponse response;
  ASSERT_TRUE(
      Answer(stub.get(), Ask("scene-0.png", "How many objects are there?"), &response).ok());
  server.StopLanguage();
  const grpc::Status s = Answer(stub.get(), Ask("scene-0.png", "q"), &response, 20);
  EXPECT_EQ(s.error_code(), grpc::StatusCode::UNAVAILABLE) << s.error_message();
  EXPECT_EQ(ReasonOf(FromGrpc(s)), "ROLE_UNAVAILABLE");
  v1::ListModelsResponse models;
  grpc::ClientContext call;
  EXPECT_TRUE(stub->ListModels(&call, {}, &models).ok());
}

// What is lost is the role, not the file that it was to look at.
TEST(RolesTest, ALostVisionRoleIsNoFaultOfTheFile) {
  Deployment server(true);
  server.StopVision();
  v1::AnswerResponse response;
  const Status s = FromGrpc(Answer(server.Stub().get(), Ask("scene-0.png", "q"), &response, 20));
  EXPECT_EQ(ReasonOf(s), "ROLE_UNAVAILABLE") << s;
  EXPECT_EQ(FieldOf(s), "");
  EXPECT_TRUE(RetryMsOf(s).has_value());
}

TEST(RolesTest, AGatewayNeedsAddresses) {
  ServerConfig c = BaseConfig("gateway");
  auto s = Server::Start(c);
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(FieldOf(s.status()), "server.vision");
}

TEST(StartTest, ReportsHowFarLoadingIsAndWhenRequestsCanCome) {
  std::vector<double> shares;
  size_t before_opening = 0;
  ServerHooks hooks;
  hooks.loading = [&](const std::string&, double share) { shares.push_back(share); };
  hooks.opening = [&] { before_opening = shares.size(); };
  ASSERT_TRUE(Server::Start(BaseConfig(), hooks).ok());
  EXPECT_TRUE(std::is_sorted(shares.begin(), shares.end()));
  EXPECT_EQ(shares.front(), 0);
  EXPECT_EQ(shares.back(), 1);
  const auto between =
      std::count_if(shares.begin(), shares.end(), [](double s) { return s > 0 && s < 1; });
  EXPECT_GE(between, 3);
  EXPECT_EQ(before_opening, shares.size());
}

TEST(StartTest, AUnixSocketHasNoPort) {
  ServerConfig c = BaseConfig("language");
  c.listen = "unix:" + ::testing::TempDir() + "/sightline_lifecycle.sock";
  auto server = Server::Start(c);
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ((*server)->port(), 0);
}

TEST(StartTest, ADeviceThatIsNotThereNamesTheSetting) {
  ServerConfig c = BaseConfig("language");
  c.device = "tpu";
  EXPECT_EQ(FieldOf(Server::Start(c).status()), "model.device");
  // Built without CUDA, or with it and without such a card.
  c.device = "cuda:99";
  const Status s = Server::Start(c).status();
  EXPECT_EQ(FieldOf(s), "model.device") << s;
  EXPECT_NE(s.message().find("model.device is \"cuda:99\""), absl::string_view::npos) << s;
  if (ReasonOf(s) == "BACKEND_NOT_BUILT") {
    EXPECT_NE(s.message().find("cmake --preset cuda"), absl::string_view::npos) << s;
  }
}

TEST(RolesTest, APortThatIsTakenIsSaid) {
  Deployment first(false);
  ServerConfig c = BaseConfig();
  c.listen = "127.0.0.1:" + std::to_string(first.front()->port());
  auto s = Server::Start(c);
  ASSERT_FALSE(s.ok());
  EXPECT_EQ(ReasonOf(s.status()), "CANNOT_LISTEN");
}

}  // namespace
}  // namespace sightline::e2e
