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

v1::AnswerRequest AskClip(const std::string& file) {
  v1::AnswerRequest r;
  r.add_content()->set_text("What happens?");
  r.add_content()->mutable_video()->set_data(ReadMedia(file));
  r.mutable_generation_options()->set_max_output_tokens(2);
  return r;
}

std::vector<v1::Warning> DamageIn(const v1::AnswerResponse& response) {
  std::vector<v1::Warning> found;
  for (const v1::Warning& w : response.summary().warnings()) {
    if (w.code() == v1::WARNING_CODE_MEDIA_DAMAGED) found.push_back(w);
  }
  return found;
}

// A clip that is cut off is answered with a warning, from the cache too; a sound one without.
TEST_P(MalformedMediaTest, ADamagedClipIsAnsweredWithAWarning) {
  Deployment server(GetParam());
  auto stub = server.Stub();
  for (bool cached : {false, true}) {
    v1::AnswerResponse response;
    const grpc::Status s = Answer(stub.get(), AskClip("cut_mp4.mp4"), &response);
    ASSERT_TRUE(s.ok()) << s.error_message();
    EXPECT_EQ(response.summary().media(0).cached(), cached);
    const std::vector<v1::Warning> damage = DamageIn(response);
    ASSERT_EQ(damage.size(), 1u);
    EXPECT_EQ(damage[0].content_index(), 1);
    EXPECT_EQ(damage[0].message(),
              "this clip's file is damaged: it is cut off, 1.5 seconds could be read and at least "
              "0.9 are missing");
  }
  v1::AnswerResponse response;
  ASSERT_TRUE(Answer(stub.get(), AskClip("mov_every_third_frame_zeros.mov"), &response).ok());
  ASSERT_EQ(DamageIn(response).size(), 1u);
  EXPECT_EQ(DamageIn(response)[0].message(),
            "this clip's file is damaged: 1 frame to look at could not be decoded");
  ASSERT_TRUE(Answer(stub.get(), AskClip("clip_h264_b_frames.mp4"), &response).ok());
  EXPECT_TRUE(DamageIn(response).empty());
}

INSTANTIATE_TEST_SUITE_P(Deployments, MalformedMediaTest, ::testing::Values(false, true),
                         [](const auto& p) { return p.param ? "Split" : "Whole"; });

}  // namespace
}  // namespace sightline::e2e
