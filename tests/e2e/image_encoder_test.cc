// EncodeImage and ClassifyImage, as one process and as roles: features that agree with the encoder
// called directly, classes with probabilities, and every refusal.
#include "fusion/encoders/encoder_set.h"
#include "google/rpc/error_details.pb.h"
#include "sightline/v1/image_encoder_service.grpc.pb.h"
#include "tests/e2e/world_server.h"
#include "vision/decode.h"

namespace sightline::e2e {
namespace {

std::string Golden(const std::string& name) {
  return std::string(SIGHTLINE_SOURCE_DIR) + "/tests/golden/encoders/" + name;
}

class ImageEncoderTest : public ::testing::TestWithParam<bool> {
 protected:
  static ServerConfig Front() {
    ServerConfig c = BaseConfig();
    c.encoders = Golden("fastervit") + "," + Golden("clip") + "/";
    c.max_image_pixels = 1 << 20;
    return c;
  }
  ImageEncoderTest()
      : server_(GetParam(), Front()), stub_(v1::ImageEncoderService::NewStub(server_.Channel())) {}

  grpc::Status Encode(const std::string& model, const std::string& data,
                      v1::EncodeImageResponse* response, const std::string& id = "") {
    v1::EncodeImageRequest request;
    request.set_model(model);
    request.mutable_image()->set_data(data);
    request.set_request_id(id);
    grpc::ClientContext call;
    SetDeadline(&call, 60);
    return stub_->EncodeImage(&call, request, response);
  }
  grpc::Status Classify(const std::string& model, const std::string& data, int top_k,
                        v1::ClassifyImageResponse* response) {
    v1::ClassifyImageRequest request;
    request.set_model(model);
    request.mutable_image()->set_data(data);
    if (top_k) request.set_top_k(top_k);
    grpc::ClientContext call;
    SetDeadline(&call, 60);
    return stub_->ClassifyImage(&call, request, response);
  }
  static void ExpectError(const grpc::Status& s, grpc::StatusCode code, const std::string& field,
                          const std::string& reason) {
    EXPECT_EQ(s.error_code(), code) << s.error_message();
    EXPECT_EQ(FieldOf(FromGrpc(s)), field) << s.error_message();
    EXPECT_EQ(ReasonOf(FromGrpc(s)), reason) << s.error_message();
  }

  Deployment server_;
  std::unique_ptr<v1::ImageEncoderService::Stub> stub_;
  const std::string photo_ = ReadFile(Golden("fastervit") + "/photo.png");
};

TEST_P(ImageEncoderTest, FeaturesAreTheEncoders) {
  auto set = EncoderSet::Load(Golden("fastervit") + "," + Golden("clip"));
  ASSERT_TRUE(set.ok()) << set.status();
  auto decoded = DecodeImage(photo_);
  ASSERT_TRUE(decoded.ok());
  for (const char* name : {"fastervit", "clip"}) {
    v1::EncodeImageResponse r;
    grpc::Status s = Encode(std::string("models/") + name, photo_, &r, "id-1");
    ASSERT_TRUE(s.ok()) << s.error_message();
    auto want = (*set)->EncodePixels({name, {}, 0}, decoded->image);
    ASSERT_TRUE(want.ok()) << want.status();
    EXPECT_EQ(r.features().rows(), 16);
    EXPECT_EQ(r.map_rows() * r.map_columns(), 16);
    EXPECT_EQ(r.features().channels(), want->channels);
    EXPECT_EQ(std::vector<float>(r.features().values().begin(), r.features().values().end()),
              want->features);
    EXPECT_EQ(std::vector<float>(r.pooled().begin(), r.pooled().end()), want->pooled);
    EXPECT_EQ(r.model(), std::string("models/") + name);
    EXPECT_EQ(r.request_id(), "id-1");
    EXPECT_EQ(r.image_width_px(), 150);
    EXPECT_EQ(r.image_height_px(), 110);
  }
}

TEST_P(ImageEncoderTest, TheModelItselfEncodes) {
  for (const char* name : {"", "models/scenes"}) {
    v1::EncodeImageResponse r;
    grpc::Status s = Encode(name, ReadFile(SceneFile("scene-0.png")), &r);
    ASSERT_TRUE(s.ok()) << s.error_message();
    EXPECT_EQ(r.model(), "models/scenes");
    EXPECT_GT(r.features().rows(), 0);
    EXPECT_EQ(r.features().values_size(), r.features().rows() * r.features().channels());
    EXPECT_EQ(r.pooled_size(), r.features().channels());
    EXPECT_FALSE(r.request_id().empty());
  }
}

TEST_P(ImageEncoderTest, ClassesComeBestFirst) {
  v1::ClassifyImageResponse five, all;
  ASSERT_TRUE(Classify("models/fastervit", photo_, 0, &five).ok());
  EXPECT_EQ(five.classes_size(), 5);
  ASSERT_TRUE(Classify("models/fastervit", photo_, 1000, &all).ok());
  ASSERT_EQ(all.classes_size(), 7);
  double sum = 0, last = 1;
  for (const v1::ImageClass& c : all.classes()) {
    EXPECT_LE(c.probability(), last);
    sum += last = c.probability();
  }
  EXPECT_NEAR(sum, 1, 1e-9);
  EXPECT_EQ(five.classes(4).index(), all.classes(4).index());
  EXPECT_EQ(all.model(), "models/fastervit");
}

TEST_P(ImageEncoderTest, RefusalsSayWhy) {
  using grpc::StatusCode;
  v1::EncodeImageResponse r;
  v1::ClassifyImageResponse c;
  grpc::Status none = Encode("models/dinat", photo_, &r);
  ExpectError(none, StatusCode::NOT_FOUND, "model", "ENCODER_NOT_FOUND");
  EXPECT_NE(none.error_message().find("clip, fastervit"), std::string::npos);
  ExpectError(Encode("fastervit", photo_, &r), StatusCode::INVALID_ARGUMENT, "model",
              "INVALID_FIELD");
  ExpectError(Encode("models/", photo_, &r), StatusCode::INVALID_ARGUMENT, "model",
              "INVALID_FIELD");
  ExpectError(Encode("models/clip", "", &r), StatusCode::INVALID_ARGUMENT, "image.data",
              "MEDIA_EMPTY");
  ExpectError(Encode("models/clip", "no picture", &r), StatusCode::INVALID_ARGUMENT, "image.data",
              "IMAGE_UNSUPPORTED_FORMAT");
  ExpectError(Encode("models/clip", photo_.substr(0, 300), &r), StatusCode::INVALID_ARGUMENT,
              "image.data", "IMAGE_TRUNCATED");
  ExpectError(Encode("models/clip", photo_, &r, "no spaces"), StatusCode::INVALID_ARGUMENT,
              "request_id", "INVALID_FIELD");
  ExpectError(Classify("", photo_, 5, &c), StatusCode::INVALID_ARGUMENT, "model", "INVALID_FIELD");
  ExpectError(Classify("models/fastervit", photo_, -1, &c), StatusCode::INVALID_ARGUMENT, "top_k",
              "INVALID_FIELD");
  ExpectError(Classify("models/fastervit", photo_, 1001, &c), StatusCode::INVALID_ARGUMENT, "top_k",
              "INVALID_FIELD");
  for (const char* name : {"models/clip", "models/scenes"}) {
    ExpectError(Classify(name, photo_, 5, &c), StatusCode::FAILED_PRECONDITION, "model",
                "ENCODER_HAS_NO_CLASSES");
  }
  EXPECT_TRUE(Encode("models/clip", photo_, &r).ok());
}

INSTANTIATE_TEST_SUITE_P(OneProcessAndRoles, ImageEncoderTest, ::testing::Bool());

}  // namespace
}  // namespace sightline::e2e
