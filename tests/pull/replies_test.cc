// Hubs that mean harm, or are something else altogether.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>

#include "services/pull/pull.h"
#include "tests/pull/fake_hub.h"

namespace sightline::pull {
namespace {

using ::testing::HasSubstr;

class RepliesTest : public ::testing::Test {
 protected:
  RepliesTest() : folder_(TestFolder()), hub_(folder_) { hub_.files = {{"config.json", {"{}"}}}; }
  // The status of a pull whose request for `part_of_target` is answered with 200 and `body`.
  Status PullWith(const std::string& part_of_target, const std::string& body) {
    hub_.SetHook([=](const Logged& l, Connection* to) {
      if (l.request.target.find(part_of_target) == std::string::npos) return false;
      Send(to, 200, "", body);
      return true;
    });
    return Pull(hub_.Options(), {}).status();
  }
  std::string Entry(const std::string& path, const std::string& size = "3") const {
    return R"({"type":"file","path":")" + path + R"(","size":)" + size + R"(,"oid":")" +
           std::string(40, 'a') + "\"}";
  }

  std::string folder_;
  FakeHub hub_;
};

TEST_F(RepliesTest, NamesThatLeaveTheFolderAreRefused) {
  for (const char* name : {"../../x.json", "/etc/x.json", "a/../../x.json", "a//x.json", "./x.json",
                           "a\\\\..\\\\x.json", "..", "x\\u0000.json", "x\\n.json", "a/..", ""}) {
    const Status status = PullWith("/tree/", "[" + Entry(name) + "]");
    EXPECT_EQ(ReasonOf(status), "FILE_NAME_REFUSED") << name << ": " << status;
  }
  EXPECT_EQ(ReasonOf(PullWith("/tree/", "[" + Entry(std::string(3000, 'x')) + "]")),
            "FILE_NAME_REFUSED");
  EXPECT_EQ(hub_.CountOf("/resolve/"), 0);
}

TEST_F(RepliesTest, ListsWithoutSenseAreRefused) {
  for (const std::string& body :
       {std::string("{}"), std::string("not json"), std::string(), std::string("[[[1]]]") + "x",
        std::string(100'000, '['), "[" + Entry("a.json", "-1") + "]",
        "[" + Entry("a.json", "1e30") + "]", "[" + Entry("a.json", "99999999999999999999") + "]",
        "[" + Entry("a.json", "\"3\"") + "]", "[" + Entry("a.json") + "," + Entry("a.json") + "]",
        std::string(R"([{"type":"file","path":"a.json","size":3,"oid":"zz"}])"),
        std::string(R"([{"type":"file","path":"a.json","size":3,"oid":")") + std::string(40, 'a') +
            R"(","lfs":{"oid":"","size":3}}])",
        std::string("\"\xff\xfe\"")}) {
    const Status status = PullWith("/tree/", body);
    EXPECT_EQ(ReasonOf(status), "HUB_REPLY_INVALID") << body.substr(0, 60) << ": " << status;
  }
  EXPECT_EQ(ReasonOf(PullWith("/revision/", R"({"sha":"../../x"})")), "HUB_REPLY_INVALID");
  EXPECT_EQ(ReasonOf(PullWith("/revision/", "<html>")), "HUB_REPLY_INVALID");
}

TEST_F(RepliesTest, ListsWithoutEndAreBounded) {
  EXPECT_EQ(ReasonOf(PullWith("/tree/", std::string(9 << 20, ' ') + "[]")), "HUB_REPLY_INVALID");
  std::string many = "[";
  for (int i = 0; i < 30'000; ++i) many += (i ? "," : "") + Entry(std::to_string(i) + ".json");
  EXPECT_THAT(std::string(PullWith("/tree/", many + "]").message()), HasSubstr("20000 files"));
  hub_.SetHook([&](const Logged& l, Connection* to) {
    if (l.request.target.find("/tree/") == std::string::npos) return false;
    Send(to, 200, "Link: <" + l.request.target + ">; rel=\"next\"\r\n", "[]");
    return true;
  });
  EXPECT_THAT(std::string(Pull(hub_.Options(), {}).status().message()), HasSubstr("does not end"));
}

TEST_F(RepliesTest, AListGoesOnAtTheSameHostOnly) {
  hub_.SetHook([&](const Logged& l, Connection* to) {
    if (l.request.target.find("/tree/") == std::string::npos) return false;
    Send(to, 200, "Link: <https://127.0.0.1:9/next>; rel=\"next\"\r\n", "[]");
    return true;
  });
  EXPECT_EQ(ReasonOf(Pull(hub_.Options(), {}).status()), "HUB_REPLY_INVALID");
}

TEST_F(RepliesTest, HeadersAndRedirectsAreBounded) {
  hub_.SetHook([](const Logged& l, Connection* to) {
    Send(to, 302, "Location: " + l.request.target + "x\r\n", "");
    return true;
  });
  EXPECT_THAT(std::string(Pull(hub_.Options(), {}).status().message()), HasSubstr("redirects"));
  EXPECT_EQ(hub_.log().size(), 6u);
  hub_.SetHook([](const Logged&, Connection* to) {
    std::string headers;
    for (int i = 0; i < 3000; ++i)
      headers += "X-" + std::to_string(i) + ": " + std::string(60, 'x') + "\r\n";
    Send(to, 200, headers, "{}");
    return true;
  });
  EXPECT_THAT(std::string(Pull(hub_.Options(), {}).status().message()), HasSubstr("too much"));
}

TEST_F(RepliesTest, RedirectsDoNotLeaveEncryption) {
  for (const char* to_where :
       {"http://127.0.0.1:80/x", "file:///etc/passwd", "ftp://127.0.0.1/x"}) {
    hub_.SetHook([=](const Logged&, Connection* to) {
      Send(to, 302, "Location: " + std::string(to_where) + "\r\n", "");
      return true;
    });
    EXPECT_EQ(ReasonOf(Pull(hub_.Options(), {}).status()), "HUB_REPLY_INVALID") << to_where;
  }
}

TEST_F(RepliesTest, OptionsAreChecked) {
  PullOptions o = hub_.Options();
  for (const char* name : {"gpt2", "a/b/c", "../b", "a/..", "a b/c", "", "-a/b", "a/b?x"}) {
    o.repository = name;
    EXPECT_EQ(ReasonOf(Pull(o, {}).status()), "REPOSITORY_NAME_INVALID") << name;
  }
  o = hub_.Options();
  for (const char* revision : {"", "../x", "a/../b", "a b", "/main", "-x"}) {
    o.revision = revision;
    EXPECT_EQ(ReasonOf(Pull(o, {}).status()), "REVISION_INVALID") << revision;
  }
  o = hub_.Options();
  for (const char* endpoint :
       {"http://hub.example", "ftp://127.0.0.1", "https://me:pw@127.0.0.1"}) {
    o.hub.endpoint = endpoint;
    EXPECT_FALSE(Pull(o, {}).ok()) << endpoint;
  }
  o = hub_.Options();
  o.hub.token = "x\r\nEvil: 1";
  EXPECT_EQ(ReasonOf(Pull(o, {}).status()), "TOKEN_INVALID");
  EXPECT_TRUE(hub_.log().empty());
}

}  // namespace
}  // namespace sightline::pull
