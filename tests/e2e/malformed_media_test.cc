// Every made media file through the public API: the code, reason and field that its manifest says,
// and a server that answers a sound request after each as it did before.
#include "services/status_map.h"
#include "tests/e2e/world_server.h"
#include "tests/vision/media_files.h"

namespace sightline::e2e {
namespace {

v1::AnswerRequest Request(const MediaCase& c) {
  v1::AnswerRequest r;
  std::string bytes = ReadMedia(c.file);
  if (c.kind == "image") {
    r.add_content()->mutable_image()->set_data(std::move(bytes));
  } else {
    v1::Video* video = r.add_content()->mutable_video();
    video->set_data(std::move(bytes));
    video->mutable_sampling()->set_max_frames(4);
  }
  r.add_content()->set_text("How many objects are there?");
  r.mutable_generation_options()->set_max_output_tokens(2);
  return r;
}

// A case with `either` may also be refused for that reason.
void Check(const MediaCase& c, const grpc::Status& s, const v1::AnswerResponse& response) {
  const Status status = FromGrpc(s);
  const std::string reason = ReasonOf(status);
  if (c.ok() && s.ok()) {
    ASSERT_EQ(response.summary().media_size(), 1) << c.file;
    return;
  }
  if (!c.either.empty() && (s.ok() || reason == c.either)) return;
  const std::string field = c.kind == "image" ? "content[0].image.data" : "content[0].video.data";
  EXPECT_EQ(absl::StatusCodeToString(status.code()), c.code) << c.file << ": " << status;
  EXPECT_EQ(FieldOf(status), field) << c.file;
  if (reason != "MEDIA_EMPTY") {
    EXPECT_EQ(reason, c.reason) << c.file;
  }
}

constexpr int kFresh = 20;

// The same picture every time. Bytes after its end make every 20th a file that the server has not
// seen and must decode and encode; of the others it has kept that, so that they cost little.
v1::AnswerRequest SoundRequest(int number) {
  v1::AnswerRequest r = Ask("scene-0.png", "How many objects are there?");
  r.mutable_content(0)->mutable_image()->mutable_data()->append(std::to_string(number / kFresh));
  return r;
}

class MalformedMediaTest : public ::testing::TestWithParam<bool> {};

TEST_P(MalformedMediaTest, EachFileGetsItsCodeAndTheServerGoesOn) {
  ASSERT_GE(AllMediaCases().size(), 60u);
  Deployment server(GetParam());
  auto stub = server.Stub();
  v1::AnswerResponse before;
  ASSERT_TRUE(Answer(stub.get(), Ask("scene-0.png", "How many objects are there?"), &before).ok());
  int number = 0;
  for (const MediaCase& c : AllMediaCases()) {
    v1::AnswerResponse response, after;
    Check(c, Answer(stub.get(), Request(c), &response), response);
    const grpc::Status s = Answer(stub.get(), SoundRequest(number), &after);
    ASSERT_TRUE(s.ok()) << "after " << c.file << ": " << s.error_message();
    EXPECT_EQ(after.text(), before.text()) << "after " << c.file;
    EXPECT_EQ(after.summary().media(0).cached(), number % kFresh != 0) << "after " << c.file;
    ++number;
  }
}

INSTANTIATE_TEST_SUITE_P(Deployments, MalformedMediaTest, ::testing::Values(false, true),
                         [](const auto& p) { return p.param ? "Split" : "Whole"; });

}  // namespace
}  // namespace sightline::e2e
