// Networks, servers and disks that fail: what is tried again, what is kept, what is said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "services/pull/cache.h"
#include "services/pull/pull.h"
#include "tests/pull/fake_hub.h"

namespace sightline::pull {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

class FaultsTest : public ::testing::Test {
 protected:
  FaultsTest() : folder_(TestFolder()), hub_(folder_) {
    hub_.files = {{"config.json", {"{}"}}, {"model.safetensors", {RandomBytes(2'000'000), true}}};
  }
  std::string Weights(const std::string& suffix = "") const {
    return folder_ + "/cache/models/acme/tiny-vlm/" + FakeHub::kCommit + suffix +
           "/model.safetensors";
  }
  std::vector<std::string> RangesAtContent() const {
    std::vector<std::string> ranges;
    for (const Logged& l : hub_.log()) {
      if (!l.at_content) continue;
      const auto it = l.request.headers.find("range");
      ranges.push_back(it == l.request.headers.end() ? "" : it->second);
    }
    return ranges;
  }
  // Answers every request for `part_of_target` with a status.
  void AnswerWith(const std::string& part_of_target, int status, const std::string& headers,
                  int times = 1 << 30) {
    auto left = std::make_shared<std::atomic<int>>(times);
    hub_.SetHook([=](const Logged& l, Connection* to) {
      if (l.request.target.find(part_of_target) == std::string::npos || (*left)-- <= 0)
        return false;
      Send(to, status, headers, "not for people");
      return true;
    });
  }
  Status PullStatus(const PullOptions& o) { return Pull(o, {}).status(); }

  std::string folder_;
  FakeHub hub_;
};

TEST_F(FaultsTest, CutConnectionsAreResumedWhereTheyEnded) {
  std::atomic<int> cuts{7};  // more than the tries in a row: each one made progress
  hub_.SetHook([&](const Logged& l, Connection* to) {
    if (!l.at_content || cuts-- <= 0) return false;
    FakeHub::SendContent(l.request, hub_.ContentOf(l.request), to, 200'000);
    return true;
  });
  const auto result = Pull(hub_.Options(), {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(ReadFile(Weights()), hub_.files["model.safetensors"].content);
  const auto ranges = RangesAtContent();
  ASSERT_EQ(ranges.size(), 8u);
  EXPECT_EQ(ranges[0], "");
  EXPECT_EQ(ranges[1], "bytes=200000-");
  EXPECT_EQ(ranges[7], "bytes=1400000-");
}

TEST_F(FaultsTest, AServerWithoutRangesSendsTheWholeAgain) {
  std::atomic<int> request{0};
  hub_.SetHook([&](const Logged& l, Connection* to) {
    if (!l.at_content) return false;
    Request whole = l.request;
    whole.headers.erase("range");
    FakeHub::SendContent(whole, hub_.ContentOf(whole), to, request++ == 0 ? 500'000 : SIZE_MAX);
    return true;
  });
  PullProgress last;
  PullHooks hooks;
  hooks.progress = [&](const PullProgress& p) { last = p; };
  ASSERT_TRUE(Pull(hub_.Options(), hooks).ok());
  EXPECT_EQ(ReadFile(Weights()), hub_.files["model.safetensors"].content);
  EXPECT_EQ(last.bytes, last.total_bytes);
}

TEST_F(FaultsTest, AWrongRangeIsNotAppended) {
  std::atomic<int> request{0};
  hub_.SetHook([&](const Logged& l, Connection* to) {
    if (!l.at_content) return false;
    if (request++ == 0) {
      FakeHub::SendContent(l.request, hub_.ContentOf(l.request), to, 500'000);
    } else {
      to->Write(
          "HTTP/1.1 206 X\r\nContent-Length: 4\r\nContent-Range: bytes 7-10/2000000\r\n\r\nevil");
    }
    return true;
  });
  EXPECT_EQ(ReasonOf(PullStatus(hub_.Options())), "HUB_REPLY_INVALID");
  EXPECT_EQ(fs::file_size(Weights(".partial") + ".part"), 500'000u);
}

TEST_F(FaultsTest, DamageInTransitIsFetchedOnceMoreAndThenReported) {
  std::atomic<int> damaged{1};
  hub_.SetHook([&](const Logged& l, Connection* to) {
    if (!l.at_content || damaged-- <= 0) return false;
    std::string content = hub_.ContentOf(l.request);
    content[1'234'567] ^= 1;
    FakeHub::SendContent(l.request, content, to);
    return true;
  });
  ASSERT_TRUE(PullStatus(hub_.Options()).ok());
  EXPECT_EQ(ReadFile(Weights()), hub_.files["model.safetensors"].content);
  fs::remove_all(folder_ + "/cache");
  damaged = 1000;
  const Status status = PullStatus(hub_.Options());
  EXPECT_EQ(ReasonOf(status), "CHECKSUM_MISMATCH") << status;
  EXPECT_FALSE(fs::exists(Weights()));
  EXPECT_EQ(fs::file_size(Weights(".partial") + ".part"), 0u);
}

TEST_F(FaultsTest, AnOldPartOfOtherContentIsReplaced) {
  fs::create_directories(fs::path(Weights(".partial")).parent_path());
  std::ofstream(Weights(".partial") + ".part", std::ios::binary) << RandomBytes(1'000'000);
  ASSERT_TRUE(PullStatus(hub_.Options()).ok());
  EXPECT_EQ(ReadFile(Weights()), hub_.files["model.safetensors"].content);
}

TEST_F(FaultsTest, MoreBytesThanListedAreRefused) {
  hub_.SetHook([&](const Logged& l, Connection* to) {
    if (!l.at_content) return false;
    FakeHub::SendContent(l.request, hub_.ContentOf(l.request) + "more", to);
    return true;
  });
  EXPECT_EQ(ReasonOf(PullStatus(hub_.Options())), "CONTENT_CHANGED");
}

TEST_F(FaultsTest, ALinkToOtherContentIsNotFollowed) {
  hub_.SetHook([&](const Logged& l, Connection* to) {
    // Small files have git's digest, which such a tag says nothing about; workers come in any
    // order.
    if (!l.request.target.ends_with("/model.safetensors") ||
        l.request.target.find("/resolve/") == std::string::npos)
      return false;
    Send(to, 302, "Location: /elsewhere\r\nX-Linked-Etag: \"" + std::string(64, 'a') + "\"\r\n",
         "");
    return true;
  });
  EXPECT_EQ(ReasonOf(PullStatus(hub_.Options())), "CONTENT_CHANGED");
  EXPECT_EQ(hub_.CountOf("/elsewhere"), 0);
}

TEST_F(FaultsTest, TroubleThatPassesIsWaitedFor) {
  for (int status : {500, 502, 503, 504, 429}) {
    fs::remove_all(folder_ + "/cache");
    AnswerWith("/revision/", status, "", 3);
    EXPECT_TRUE(PullStatus(hub_.Options()).ok()) << status;
  }
}

TEST_F(FaultsTest, RetryAfterIsHonouredWithinReason) {
  AnswerWith("/tree/", 429, "Retry-After: 1\r\n", 1);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(PullStatus(hub_.Options()).ok());
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(990));
  AnswerWith("/tree/", 429, "Retry-After: 86400\r\n");
  const Status status = PullStatus(hub_.Options());
  EXPECT_EQ(ReasonOf(status), "RATE_LIMITED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("86400 s"));
}

TEST_F(FaultsTest, TroubleThatStaysIsBounded) {
  AnswerWith("/revision/", 500, "");
  EXPECT_EQ(ReasonOf(PullStatus(hub_.Options())), "HUB_UNAVAILABLE");
  EXPECT_EQ(hub_.CountOf("/revision/"), 5);
}

TEST_F(FaultsTest, AccessThatIsRefusedSaysWhatToDo) {
  PullOptions o = hub_.Options();
  AnswerWith("/revision/", 401, "X-Error-Code: GatedRepo\r\n");
  Status status = PullStatus(o);
  EXPECT_EQ(ReasonOf(status), "GATED");
  EXPECT_THAT(std::string(status.message()), HasSubstr("HF_TOKEN"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(hub_.endpoint() + "/acme/tiny-vlm"));
  o.hub.token = "hf_secret";
  AnswerWith("/resolve/", 403, "X-Error-Code: GatedRepo\r\n");
  status = PullStatus(o);
  EXPECT_EQ(ReasonOf(status), "GATED");
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("hf_secret")));
  AnswerWith("/revision/", 401, "X-Error-Message: Invalid credentials in Authorization header\r\n");
  EXPECT_EQ(ReasonOf(PullStatus(o)), "TOKEN_REFUSED");
}

TEST_F(FaultsTest, WrongNamesGetSuggestions) {
  PullOptions o = hub_.Options();
  o.repository = "acme/tiny-vml";
  Status status = PullStatus(o);
  EXPECT_EQ(ReasonOf(status), "REPOSITORY_NOT_FOUND");
  EXPECT_THAT(std::string(status.message()), HasSubstr("there is: acme/tiny-vlm"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("evil")));
  o.repository = FakeHub::kRepository;
  o.revision = "v2.0";
  status = PullStatus(o);
  EXPECT_EQ(ReasonOf(status), "REVISION_NOT_FOUND");
  EXPECT_THAT(std::string(status.message()), HasSubstr("there is: main, v1.0"));
}

TEST_F(FaultsTest, ASignedLinkThatExpiredIsAskedForAnew) {
  std::atomic<int> expired{1};
  hub_.SetHook([&](const Logged& l, Connection* to) {
    if (!l.at_content || expired-- <= 0) return false;
    Send(to, 403, "", "expired");
    return true;
  });
  EXPECT_TRUE(PullStatus(hub_.Options()).ok());
  expired = 1000;
  fs::remove_all(folder_ + "/cache");
  const Status status = PullStatus(hub_.Options());
  EXPECT_THAT(std::string(status.message()), HasSubstr("403"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("signature")));
}

TEST_F(FaultsTest, CertificatesMustBeTrusted) {
  PullOptions o = hub_.Options();
  o.hub.http.ca_file.clear();
  const Status status = PullStatus(o);
  EXPECT_EQ(ReasonOf(status), "TLS_FAILED") << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("--ca-file"));
  EXPECT_TRUE(hub_.log().empty());
}

TEST_F(FaultsTest, NobodyThereIsSaidSo) {
  PullOptions o = hub_.Options();
  o.hub.endpoint = "https://127.0.0.1:9";
  o.hub.retry.attempts = 2;
  EXPECT_EQ(ReasonOf(PullStatus(o)), "HUB_UNREACHABLE");
}

TEST_F(FaultsTest, AStalledServerIsLeft) {
  hub_.SetHook([&](const Logged&, Connection* to) {
    to->Write("HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n");
    hub_.Hold();
    return true;
  });
  PullOptions o = hub_.Options();
  o.hub.http.stall_timeout_s = 1;
  o.hub.retry.attempts = 1;
  EXPECT_EQ(ReasonOf(PullStatus(o)), "HUB_TIMEOUT");
}

TEST_F(FaultsTest, CancellingKeepsWhatArrived) {
  std::atomic<bool> stop{false};
  hub_.SetHook([&](const Logged& l, Connection* to) {
    if (!l.at_content) return false;
    const std::string& content = hub_.ContentOf(l.request);
    to->Write("HTTP/1.1 200 X\r\nContent-Length: " + std::to_string(content.size()) + "\r\n\r\n");
    to->Write(std::string_view(content).substr(0, 700'000));
    hub_.Hold();
    return true;
  });
  PullHooks hooks;
  hooks.progress = [&](const PullProgress& p) { stop = stop || p.bytes >= 700'000; };
  hooks.cancelled = [&] { return stop.load(); };
  PullOptions o = hub_.Options();
  EXPECT_EQ(ReasonOf(Pull(o, hooks).status()), "CANCELLED");
  const auto kept = fs::file_size(Weights(".partial") + ".part");
  EXPECT_GE(kept, 600'000u);
  EXPECT_FALSE(fs::exists(Weights()));
  hub_.SetHook(nullptr);
  ASSERT_TRUE(PullStatus(o).ok());
  EXPECT_EQ(RangesAtContent().back(), "bytes=" + std::to_string(kept) + "-");
  EXPECT_EQ(ReadFile(Weights()), hub_.files["model.safetensors"].content);
}

TEST_F(FaultsTest, AFullDiskIsSeenBeforehand) {
  EXPECT_EQ(ReasonOf(CheckSpace(folder_, int64_t{1} << 60)), "DISK_FULL");
  EXPECT_TRUE(CheckSpace(folder_, 1).ok());
}

}  // namespace
}  // namespace sightline::pull
