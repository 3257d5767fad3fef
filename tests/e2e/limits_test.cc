// Every refusal of the edge: its code, its reason, the field it names; and the server goes on.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "sightline/v1/image_encoder_service.grpc.pb.h"
#include "tests/e2e/raw_call.h"
#include "tests/e2e/world_server.h"

namespace sightline::e2e {
namespace {

class ContextTest : public ::testing::TestWithParam<bool> {};

class LimitsTest : public ::testing::TestWithParam<bool> {
 protected:
  static ServerConfig Front() {
    ServerConfig c = BaseConfig();
    c.max_parts = 6;
    c.max_images = 2;
    c.max_videos = 1;
    c.max_text_bytes = 200;
    c.max_output_tokens = 50;
    c.max_frames = 4;
    c.max_message_mib = 1;
    return c;
  }
  LimitsTest() : server_(GetParam(), Front()), stub_(server_.Stub()) {}

  void ExpectRefused(const v1::AnswerRequest& request, const std::string& field,
                     grpc::StatusCode code = grpc::StatusCode::INVALID_ARGUMENT) {
    v1::AnswerResponse response;
    const grpc::Status s = Answer(stub_.get(), request, &response);
    EXPECT_EQ(s.error_code(), code) << s.error_message();
    EXPECT_EQ(FieldOf(FromGrpc(s)), field) << s.error_message();
    EXPECT_FALSE(ReasonOf(FromGrpc(s)).empty());
    v1::AnswerRequest sound = Ask("scene-0.png", "How many objects are there?");
    const grpc::Status again = Answer(stub_.get(), sound, &response);
    EXPECT_TRUE(again.ok()) << "after " << field << ": " << again.error_message();
  }

  Deployment server_;
  std::unique_ptr<v1::VisionLanguageService::Stub> stub_;
};

TEST_P(LimitsTest, FieldsAreNamed) {
  v1::AnswerRequest r;
  ExpectRefused(r, "content");
  r = Ask("scene-0.png", "   ");
  ExpectRefused(r, "content");
  r.Clear();
  r.add_content()->set_text("What is the capital of France?");  // this model wants a picture
  ExpectRefused(r, "content");
  r = Ask("scene-0.png", "q");
  r.add_content();
  ExpectRefused(r, "content[2]");
  r = Ask("scene-0.png", std::string(201, 'a'));
  ExpectRefused(r, "content[1].text");
  r = Ask("scene-0.png", "q");
  for (int i = 0; i < 2; ++i) *r.add_content() = MediaContent("scene-1.png");
  ExpectRefused(r, "content[3].image");
  r = Ask("scene-0.png", "q");
  r.add_content()->mutable_image();
  ExpectRefused(r, "content[2].image.data");
  r = Ask("scene-0.png", "q");
  for (int i = 0; i < 7; ++i) r.add_content()->set_text("x");
  ExpectRefused(r, "content");
  r = Ask("scene-0.png", "q");
  r.mutable_content(0)->mutable_image()->set_data("this is no picture");
  ExpectRefused(r, "content[0].image.data");
  r = Ask("clip-0.mp4", "q");
  r.mutable_content(0)->mutable_video()->mutable_data()->resize(300);
  ExpectRefused(r, "content[0].video.data");
  r = Ask("scene-0.png", "q");
  r.set_request_id("no spaces");
  ExpectRefused(r, "request_id");
  r = Ask("scene-0.png", "q");
  r.set_model("models/other");
  ExpectRefused(r, "model", grpc::StatusCode::NOT_FOUND);
}

TEST_P(LimitsTest, NumbersHaveRanges) {
  auto refuse = [&](const char* field, auto set) {
    v1::AnswerRequest r = Ask("scene-0.png", "q");
    set(r.mutable_generation_options());
    ExpectRefused(r, std::string("generation_options.") + field);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               inf = std::numeric_limits<double>::infinity();
  refuse("max_output_tokens", [](auto* o) { o->set_max_output_tokens(0); });
  refuse("max_output_tokens", [](auto* o) { o->set_max_output_tokens(51); });
  refuse("temperature", [&](auto* o) { o->set_temperature(nan); });
  refuse("temperature", [](auto* o) { o->set_temperature(2.1); });
  refuse("top_k", [](auto* o) { o->set_top_k(-1); });
  refuse("top_p", [](auto* o) { o->set_top_p(0); });
  refuse("repetition_penalty", [&](auto* o) { o->set_repetition_penalty(inf); });
  refuse("presence_penalty", [](auto* o) { o->set_presence_penalty(-2.5); });
  refuse("frequency_penalty", [](auto* o) { o->set_frequency_penalty(3); });
  refuse("stop[1]", [](auto* o) { o->add_stop("a"), o->add_stop(""); });
}

TEST_P(LimitsTest, ClipSamplingHasRanges) {
  auto refuse = [&](const char* field, auto set) {
    v1::AnswerRequest r = Ask("clip-0.mp4", "q");
    set(r.mutable_content(0)->mutable_video()->mutable_sampling());
    ExpectRefused(r, std::string("content[0].video") + field);
  };
  refuse(".sampling.frames_per_second", [](auto* s) { s->set_frames_per_second(0); });
  refuse(".sampling.max_frames", [](auto* s) { s->set_max_frames(5000); });
  refuse(".sampling.start_offset", [](auto* s) { s->mutable_start_offset()->set_seconds(-1); });
  refuse(".sampling.end_offset", [](auto* s) {
    s->mutable_start_offset()->set_seconds(2);
    s->mutable_end_offset()->set_seconds(1);
  });
  refuse(".data", [](auto* s) { s->mutable_start_offset()->set_seconds(100); });
}

TEST_P(LimitsTest, RefusalsNameTheSetting) {
  auto refuse = [&](const char* setting, const char* field, const v1::AnswerRequest& r) {
    v1::AnswerResponse response;
    const Status s = FromGrpc(Answer(stub_.get(), r, &response));
    EXPECT_EQ(s.code(), absl::StatusCode::kInvalidArgument) << s;
    EXPECT_EQ(FieldOf(s), field) << s;
    EXPECT_THAT(std::string(s.message()), ::testing::HasSubstr(std::string("limits.") + setting));
  };
  const v1::AnswerRequest still = Ask("scene-0.png", "q"), clip = Ask("clip-0.mp4", "q");
  v1::AnswerRequest r = still;
  for (int i = 0; i < 7; ++i) r.add_content()->set_text("x");
  refuse("max_parts", "content", r);
  r = still;
  for (int i = 0; i < 2; ++i) *r.add_content() = MediaContent("scene-1.png");
  refuse("max_images", "content[3].image", r);
  r = clip;
  *r.add_content() = MediaContent("clip-1.mp4");
  refuse("max_videos", "content[2].video", r);
  refuse("max_text_bytes", "content[1].text", Ask("scene-0.png", std::string(201, 'a')));
  r = still;
  r.mutable_generation_options()->set_max_output_tokens(51);
  refuse("max_output_tokens", "generation_options.max_output_tokens", r);
  r = clip;
  r.mutable_content(0)->mutable_video()->mutable_sampling()->set_max_frames(5);
  refuse("max_frames", "content[0].video.sampling.max_frames", r);
}

TEST_P(LimitsTest, NoMoreFramesAreLookedAtThanTheLimit) {
  v1::AnswerRequest r = Ask("clip-0.mp4", "What happens?");
  r.mutable_generation_options()->set_max_output_tokens(1);
  v1::AnswerResponse response;
  const grpc::Status s = Answer(stub_.get(), r, &response);
  ASSERT_TRUE(s.ok()) << s.error_message();
  EXPECT_EQ(response.summary().media(0).frame_offsets_size(), 4);
}

// Field 1 of AnswerRequest is content, field 1 of that text.
TEST_P(LimitsTest, BytesThatAreNoMessageAreRefused) {
  const std::string not_utf8("\x0a\x04\x0a\x02\xff\xfe", 6), truncated("\x0a\x7f", 2),
      no_tag("\x00\x00", 2);
  for (const char* method : {"Answer", "StreamAnswer", "Caption"}) {
    for (const std::string& bytes : {not_utf8, truncated, no_tag}) {
      std::string reply;
      const Status s = FromGrpc(
          RawCall(server_.Channel(), std::string("/sightline.v1.VisionLanguageService/") + method,
                  bytes, &reply));
      EXPECT_EQ(s.code(), absl::StatusCode::kInvalidArgument) << method << ": " << s;
      EXPECT_EQ(ReasonOf(s), "MESSAGE_MALFORMED") << method;
    }
  }
  v1::AnswerResponse response;
  EXPECT_TRUE(
      Answer(stub_.get(), Ask("scene-0.png", "How many objects are there?"), &response).ok());
}

TEST_P(LimitsTest, ACallThatEndsWithoutAMessageIsRefused) {
  for (const char* method : {"Answer", "StreamAnswer", "Caption", "ListModels"}) {
    std::string reply;
    const Status s = FromGrpc(RawCall(server_.Channel(),
                                      std::string("/sightline.v1.VisionLanguageService/") + method,
                                      std::nullopt, &reply));
    EXPECT_EQ(s.code(), absl::StatusCode::kInvalidArgument) << method << ": " << s;
  }
  v1::AnswerResponse response;
  EXPECT_TRUE(
      Answer(stub_.get(), Ask("scene-0.png", "How many objects are there?"), &response).ok());
}

TEST_P(LimitsTest, LargeMessagesAreRefused) {
  v1::AnswerRequest r = Ask("scene-0.png", "q");
  r.mutable_content(0)->mutable_image()->set_data(std::string((1 << 20) + 100, 'x'));
  v1::AnswerResponse response;
  const grpc::Status s = Answer(stub_.get(), r, &response);
  EXPECT_EQ(s.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  // gRPC's own refusal, as the proto says.
  EXPECT_TRUE(s.error_details().empty());
  EXPECT_TRUE(
      Answer(stub_.get(), Ask("scene-0.png", "How many objects are there?"), &response).ok());
}

TEST_P(LimitsTest, ErrorsCarryGoogleRpcDetails) {
  v1::AnswerRequest r = Ask("scene-0.png", "q");
  r.mutable_generation_options()->set_temperature(9);
  r.set_request_id("abc");
  v1::AnswerResponse response;
  const grpc::Status s = Answer(stub_.get(), r, &response);
  google::rpc::Status wire;
  ASSERT_TRUE(wire.ParseFromString(s.error_details()));
  EXPECT_EQ(wire.code(), static_cast<int>(s.error_code()));
  google::rpc::ErrorInfo info;
  google::rpc::BadRequest bad;
  bool seen_info = false, seen_bad = false;
  for (const auto& d : wire.details()) {
    seen_info = d.UnpackTo(&info) || seen_info;
    seen_bad = d.UnpackTo(&bad) || seen_bad;
  }
  ASSERT_TRUE(seen_info);
  ASSERT_TRUE(seen_bad);
  EXPECT_EQ(info.domain(), "sightline");
  EXPECT_EQ(info.metadata().at("request_id"), "abc");
  EXPECT_EQ(bad.field_violations(0).field(), "generation_options.temperature");
}

TEST_P(LimitsTest, CaptionTakesNoText) {
  v1::CaptionRequest r;
  *r.add_content() = MediaContent("scene-0.png");
  r.add_content()->set_text("what?");
  v1::CaptionResponse response;
  grpc::ClientContext call;
  const grpc::Status s = stub_->Caption(&call, r, &response);
  EXPECT_EQ(s.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(FieldOf(FromGrpc(s)), "content[1].text");
}

// Limits that act where media are decoded, in the vision role: the gateway's count there too.
class MediaLimitsTest : public ::testing::TestWithParam<bool> {
 protected:
  static ServerConfig Tight() {
    ServerConfig c = BaseConfig();
    c.max_image_pixels = 1000;
    c.max_video_s = 0.5;
    return c;
  }
  static Status Refusal(v1::VisionLanguageService::Stub* stub, const std::string& file) {
    v1::AnswerResponse response;
    return FromGrpc(Answer(stub, Ask(file, "What is there?"), &response));
  }
  static void Expect(const Status& s, const char* reason, const char* field, const char* setting) {
    EXPECT_EQ(ReasonOf(s), reason) << s;
    EXPECT_EQ(FieldOf(s), field) << s;
    EXPECT_THAT(std::string(s.message()), ::testing::HasSubstr(std::string("limits.") + setting));
  }
};

TEST_P(MediaLimitsTest, SizesAndLengthsAreHeldAgainstTheGatewaysLimits) {
  Deployment server(GetParam(), Tight());
  auto stub = server.Stub();
  Expect(Refusal(stub.get(), "scene-0.png"), "IMAGE_TOO_LARGE", "content[0].image.data",
         "max_image_pixels");
  Expect(Refusal(stub.get(), "clip-0.mp4"), "VIDEO_TOO_LONG", "content[0].video.data",
         "max_video_s");
  v1::EncodeImageRequest request;
  request.mutable_image()->set_data(ReadFile(SceneFile("scene-0.png")));
  v1::EncodeImageResponse response;
  grpc::ClientContext call;
  SetDeadline(&call, 60);
  Expect(FromGrpc(v1::ImageEncoderService::NewStub(server.Channel())
                      ->EncodeImage(&call, request, &response)),
         "IMAGE_TOO_LARGE", "image.data", "max_image_pixels");
}

TEST_P(MediaLimitsTest, DecodingEndsAtTheGatewaysLimit) {
  ServerConfig front = BaseConfig();
  front.max_decode_s = 1e-4;
  Deployment server(GetParam(), front);
  const Status s = Refusal(server.Stub().get(), "clip-0.mp4");
  EXPECT_EQ(s.code(), absl::StatusCode::kResourceExhausted);
  Expect(s, "VIDEO_DECODE_BUDGET", "content[0].video.data", "max_decode_s");
  // No limit of images.
  EXPECT_TRUE(Refusal(server.Stub().get(), "scene-0.png").ok());
}

// Two gateways of one vision role.
class SharedRoleTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(vision_.ok() && language_.ok()); }
  ServerConfig Gateway() const {
    ServerConfig c = BaseConfig("gateway");
    c.vision = "127.0.0.1:" + std::to_string((*vision_)->port());
    c.language = "127.0.0.1:" + std::to_string((*language_)->port());
    return c;
  }

 private:
  StatusOr<std::unique_ptr<Server>> vision_ = Server::Start(BaseConfig("vision")),
                                    language_ = Server::Start(BaseConfig("language"));
};

// What one let in is no way round the other's limits.
TEST_F(SharedRoleTest, TokensThatAreThereAreHeldAgainstTheLimitsOfWhoAsks) {
  ServerConfig tight_config = Gateway();
  tight_config.max_image_pixels = 1000;
  tight_config.max_video_s = 0.5;
  auto wide = Server::Start(Gateway()), tight = Server::Start(tight_config);
  ASSERT_TRUE(wide.ok() && tight.ok());
  auto wide_stub = v1::VisionLanguageService::NewStub((*wide)->Channel()),
       tight_stub = v1::VisionLanguageService::NewStub((*tight)->Channel());
  for (const char* file : {"scene-0.png", "clip-0.mp4"}) {
    v1::AnswerResponse response;
    const v1::AnswerRequest r = Ask(file, "What is there?");
    ASSERT_TRUE(Answer(wide_stub.get(), r, &response).ok());
    ASSERT_TRUE(Answer(wide_stub.get(), r, &response).ok());
    EXPECT_TRUE(response.summary().media(0).cached());
    EXPECT_EQ(Answer(tight_stub.get(), r, &response).error_code(),
              grpc::StatusCode::INVALID_ARGUMENT)
        << file;
  }
}

// Frames are of clips: another gateway's fewer of them make no other key of a picture.
TEST_F(SharedRoleTest, APictureHasOneKeyWhateverTheFrames) {
  v1::AnswerResponse response;
  for (int64_t frames : {64, 1}) {
    ServerConfig c = Gateway();
    c.max_frames = frames;
    auto gateway = Server::Start(c);
    ASSERT_TRUE(gateway.ok());
    auto stub = v1::VisionLanguageService::NewStub((*gateway)->Channel());
    ASSERT_TRUE(Answer(stub.get(), Ask("scene-0.png", "What is there?"), &response).ok());
  }
  EXPECT_TRUE(response.summary().media(0).cached());
}

// As many images as the limits let through are more than the context of the model that ships holds.
TEST_P(ContextTest, TheWholePromptIsAtFaultAndItsSizeIsSaid) {
  Deployment server(GetParam());
  v1::AnswerRequest r;
  for (int64_t i = 0; i < ServerConfig().max_images; ++i)
    *r.add_content() = MediaContent("scene-0.png");
  r.add_content()->set_text("How many objects are there?");
  v1::AnswerResponse response;
  const Status s = FromGrpc(Answer(server.Stub().get(), r, &response));
  EXPECT_EQ(s.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(s), "CONTEXT_TOO_LONG");
  EXPECT_EQ(FieldOf(s), "content");
  for (const char* words : {"of images and clips", "holds 4096", "send fewer or smaller images"})
    EXPECT_THAT(std::string(s.message()), ::testing::HasSubstr(words));
}

// A copy of the model that ships, which has room for a picture but not for a clip.
std::string SmallContext() {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(::testing::TempDir()) / "small_context";
  fs::remove_all(folder);
  fs::copy(BaseConfig().model, folder);
  auto config = nlohmann::json::parse(ReadFile(folder / "config.json"));
  config["text_config"]["max_position_embeddings"] = 300;
  std::ofstream(folder / "config.json") << config;
  return folder;
}

TEST_P(ContextTest, TheOnePartOfACaptionIsAtFault) {
  ServerConfig front = BaseConfig();
  front.model = SmallContext();
  Deployment server(GetParam(), front);
  v1::CaptionRequest r;
  *r.add_content() = MediaContent("scene-0.png");
  *r.add_content() = MediaContent("clip-0.mp4");
  v1::CaptionResponse response;
  grpc::ClientContext call;
  SetDeadline(&call, 120);
  const Status s = FromGrpc(server.Stub()->Caption(&call, r, &response));
  EXPECT_EQ(ReasonOf(s), "CONTEXT_TOO_LONG") << s;
  EXPECT_EQ(FieldOf(s), "content[1]");
}

INSTANTIATE_TEST_SUITE_P(Deployments, MediaLimitsTest, ::testing::Values(false, true),
                         [](const auto& p) { return p.param ? "Split" : "Whole"; });
INSTANTIATE_TEST_SUITE_P(Deployments, ContextTest, ::testing::Values(false, true),
                         [](const auto& p) { return p.param ? "Split" : "Whole"; });
INSTANTIATE_TEST_SUITE_P(Deployments, LimitsTest, ::testing::Values(false, true),
                         [](const auto& p) { return p.param ? "Split" : "Whole"; });

}  // namespace
}  // namespace sightline::e2e
