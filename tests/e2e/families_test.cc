// A published checkpoint behind the public API: one process and split roles agree on images and
// clips.
#include "tests/e2e/world_server.h"

namespace sightline::e2e {
namespace {

ServerConfig Published() {
  ServerConfig c = BaseConfig();
  c.model = std::string(SIGHTLINE_SOURCE_DIR) + "/tests/golden/models/qwen2_5_vl";
  return c;
}

TEST(FamiliesTest, OneProcessAndSplitRolesAgree) {
  Deployment whole(false, Published()), split(true, Published());
  auto a = whole.Stub(), b = split.Stub();
  for (const char* file : {"scene-0.png", "clip-0.mp4"}) {
    v1::AnswerRequest request = Ask(file, "What is the person in the image doing?");
    request.mutable_generation_options()->set_max_output_tokens(16);
    if (request.content(0).has_video())
      request.mutable_content(0)->mutable_video()->mutable_sampling()->set_max_frames(4);
    v1::AnswerResponse x, y;
    const grpc::Status s = Answer(a.get(), request, &x), t = Answer(b.get(), request, &y);
    ASSERT_TRUE(s.ok()) << s.error_message();
    ASSERT_TRUE(t.ok()) << t.error_message();
    EXPECT_FALSE(x.text().empty());
    EXPECT_EQ(x.text(), y.text()) << file;
    EXPECT_EQ(x.summary().usage().SerializeAsString(), y.summary().usage().SerializeAsString());
    EXPECT_EQ(x.summary().media(0).SerializeAsString(), y.summary().media(0).SerializeAsString());
    EXPECT_EQ(x.summary().warnings_size(), 0) << "this model cannot tell its domain";
    EXPECT_GT(x.summary().usage().visual_tokens(), 10);
    EXPECT_EQ(x.summary().model(), "models/qwen2_5_vl");
  }
}

}  // namespace
}  // namespace sightline::e2e
