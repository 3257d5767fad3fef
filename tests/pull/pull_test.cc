// Pulls that go well, against a hub on loopback over TLS.
#include "services/pull/pull.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "services/pull/cache.h"
#include "tests/pull/fake_hub.h"

namespace sightline::pull {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class PullTest : public ::testing::Test {
 protected:
  PullTest() : folder_(TestFolder()), hub_(folder_) {
    hub_.files = {{".gitattributes", {"*.safetensors filter=lfs"}},
                  {"config.json", {R"({"model_type":"tiny"})"}},
                  {"empty.txt", {""}},
                  {"model-00001-of-00002.safetensors", {RandomBytes(3'000'000), true}},
                  {"model-00002-of-00002.safetensors", {RandomBytes(1'000'001), true}},
                  {"modeling_tiny.py", {"print('never')"}},
                  {"original/consolidated.safetensors", {RandomBytes(1000), true}},
                  {"pytorch_model.bin", {RandomBytes(1000), true}},
                  {"sub/tokenizer.json", {RandomBytes(200'000)}}};
  }

  std::vector<std::string> FilesIn(const std::string& folder) const {
    std::vector<std::string> found;
    for (const auto& e : fs::recursive_directory_iterator(folder)) {
      if (e.is_regular_file()) found.push_back(e.path().lexically_relative(folder).string());
    }
    return found;
  }

  std::string folder_;
  FakeHub hub_;
};

TEST_F(PullTest, FetchesAModelFolderAndNothingThatRuns) {
  PullProgress last;
  PullHooks hooks;
  hooks.progress = [&](const PullProgress& p) { last = p; };
  const auto result = Pull(hub_.Options(), hooks);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->commit, FakeHub::kCommit);
  EXPECT_EQ(result->folder, folder_ + "/cache/models/acme/tiny-vlm/" + FakeHub::kCommit);
  EXPECT_THAT(FilesIn(result->folder),
              UnorderedElementsAre(".sightline-pull.json", "config.json", "empty.txt",
                                   "model-00001-of-00002.safetensors",
                                   "model-00002-of-00002.safetensors", "sub/tokenizer.json"));
  for (const RemoteFile& f : result->files)
    EXPECT_EQ(ReadFile(result->folder + "/" + f.path), hub_.files[f.path].content) << f.path;
  EXPECT_EQ(last.files, 5);
  EXPECT_EQ(last.bytes, last.total_bytes);
  EXPECT_EQ(last.bytes, result->bytes);
  EXPECT_FALSE(fs::exists(result->folder + ".partial"));
}

TEST_F(PullTest, ASecondPullFetchesNothing) {
  ASSERT_TRUE(Pull(hub_.Options(), {}).ok());
  const int before = hub_.CountOf("/resolve/");
  const auto again = Pull(hub_.Options(), {});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->missing_bytes, 0);
  EXPECT_EQ(hub_.CountOf("/resolve/"), before);
}

TEST_F(PullTest, MoreFilesJoinAModelThatIsThere) {
  PullOptions o = hub_.Options();
  o.selection.include = {"*.json"};
  ASSERT_TRUE(Pull(o, {}).ok());
  o.selection.include = {"*-00002-*", "config.json"};
  const auto result = Pull(o, {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->missing_bytes, 1'000'001);
  EXPECT_THAT(FilesIn(result->folder),
              UnorderedElementsAre(".sightline-pull.json", "config.json", "sub/tokenizer.json",
                                   "model-00002-of-00002.safetensors"));
  EXPECT_FALSE(fs::exists(result->folder + ".partial"));
}

TEST_F(PullTest, HalfOfAnotherSelectionSurvivesASmallPull) {
  PullOptions o = hub_.Options();
  const ModelCache cache(o.cache_root, o.repository);
  const std::string part =
      cache.Staging(FakeHub::kCommit) + "/model-00001-of-00002.safetensors.part";
  ASSERT_TRUE(MakeFolders(cache.Staging(FakeHub::kCommit)).ok());
  const std::string& content = hub_.files["model-00001-of-00002.safetensors"].content;
  std::ofstream(part, std::ios::binary) << content.substr(0, 2'000'000);
  o.selection.include = {"config.json"};
  ASSERT_TRUE(Pull(o, {}).ok());
  EXPECT_EQ(fs::file_size(part), 2'000'000u);
  o.selection.include = {};
  ASSERT_TRUE(Pull(o, {}).ok());
  bool resumed = false;
  for (const Logged& l : hub_.log()) {
    const auto range = l.request.headers.find("range");
    resumed |=
        l.at_content && range != l.request.headers.end() && range->second == "bytes=2000000-";
  }
  EXPECT_TRUE(resumed);
  EXPECT_FALSE(fs::exists(cache.Staging(FakeHub::kCommit)));
}

TEST_F(PullTest, PatternsChoose) {
  PullOptions o = hub_.Options();
  o.selection.include = {"*.json", "*.safetensors"};
  o.selection.exclude = {"*-of-00002*"};
  o.dry_run = true;
  const auto plan = Pull(o, {});
  ASSERT_TRUE(plan.ok()) << plan.status();
  std::vector<std::string> names;
  for (const RemoteFile& f : plan->files) names.push_back(f.path);
  EXPECT_THAT(names, UnorderedElementsAre("config.json", "sub/tokenizer.json",
                                          "original/consolidated.safetensors"));
  EXPECT_EQ(hub_.CountOf("/resolve/"), 0);
  EXPECT_FALSE(fs::exists(o.cache_root));
  o.selection = {{"*.gguf"}, {}};
  EXPECT_EQ(ReasonOf(Pull(o, {}).status()), "NOTHING_SELECTED");
  for (const char* code : {"*.py", "pytorch_model.bin"}) {
    o.selection.include = {code};
    EXPECT_EQ(ReasonOf(Pull(o, {}).status()), "FILE_KIND_REFUSED");
  }
}

TEST_F(PullTest, ListsOfSeveralPagesAreReadWhole) {
  hub_.page = 2;
  const auto result = Pull(hub_.Options(), {});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->files.size(), 5u);
  EXPECT_EQ(hub_.CountOf("/tree/"), 5);
}

TEST_F(PullTest, RevisionsAreFoundAndRemembered) {
  hub_.revisions = {{"refs%2Fpr%2F1", FakeHub::kCommit}};
  PullOptions o = hub_.Options();
  o.revision = "refs/pr/1";
  ASSERT_TRUE(Pull(o, {}).ok());
  const int requests = static_cast<int>(hub_.log().size());
  o.offline = true;
  const auto offline = Pull(o, {});
  ASSERT_TRUE(offline.ok()) << offline.status();
  EXPECT_EQ(offline->commit, FakeHub::kCommit);
  EXPECT_EQ(offline->files.size(), 5u);
  o.revision = FakeHub::kCommit;
  EXPECT_TRUE(Pull(o, {}).ok());
  o.revision = "main";
  const Status missing = Pull(o, {}).status();
  EXPECT_EQ(ReasonOf(missing), "NOT_IN_CACHE");
  EXPECT_THAT(std::string(missing.message()), HasSubstr("refs%2Fpr%2F1"));
  EXPECT_EQ(static_cast<int>(hub_.log().size()), requests) << "offline means no request";
}

TEST_F(PullTest, VerifyFindsAndRepairsADamagedFile) {
  PullOptions o = hub_.Options();
  const auto first = Pull(o, {});
  ASSERT_TRUE(first.ok());
  const std::string path = first->folder + "/model-00002-of-00002.safetensors";
  std::string damaged = ReadFile(path);
  damaged[500'000] ^= 1;
  std::ofstream(path, std::ios::binary) << damaged;
  o.verify = true;
  o.offline = true;
  EXPECT_EQ(ReasonOf(Pull(o, {}).status()), "CHECKSUM_MISMATCH");
  o.offline = false;
  const auto repaired = Pull(o, {});
  ASSERT_TRUE(repaired.ok()) << repaired.status();
  EXPECT_EQ(repaired->missing_bytes, 1'000'001);
  EXPECT_EQ(ReadFile(path), hub_.files["model-00002-of-00002.safetensors"].content);
}

TEST_F(PullTest, AtMostSoManyFilesAtATime) {
  for (int i = 0; i < 12; ++i)
    hub_.files["extra/" + std::to_string(i) + ".txt"] = {RandomBytes(1000)};
  std::atomic<int> now{0}, most{0};
  hub_.SetHook([&](const Logged& l, Connection*) {
    if (l.request.target.find("/resolve/") == std::string::npos) return false;
    const int running = ++now;
    for (int seen = most; seen < running && !most.compare_exchange_weak(seen, running);) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    --now;
    return false;
  });
  ASSERT_TRUE(Pull(hub_.Options(), {}).ok());
  EXPECT_GT(most, 1);
  EXPECT_LE(most, 4);
}

TEST_F(PullTest, TwoPullsOfOneModelDoNotMeet) {
  const PullOptions o = hub_.Options();
  const auto lock = ModelCache(o.cache_root, o.repository).Lock();
  ASSERT_TRUE(lock.ok());
  EXPECT_EQ(ReasonOf(Pull(o, {}).status()), "PULL_RUNNING");
}

TEST_F(PullTest, TheTokenGoesToTheHubAlone) {
  PullOptions o = hub_.Options();
  o.hub.token = "hf_0123456789";
  ASSERT_TRUE(Pull(o, {}).ok());
  int at_hub = 0, at_content = 0;
  for (const Logged& l : hub_.log()) {
    const auto sent = l.request.headers.find("authorization");
    if (l.at_content) {
      ++at_content;
      EXPECT_EQ(sent, l.request.headers.end());
    } else {
      ++at_hub;
      ASSERT_NE(sent, l.request.headers.end());
      EXPECT_EQ(sent->second, "Bearer hf_0123456789");
    }
  }
  EXPECT_EQ(at_content, 2);
  EXPECT_GT(at_hub, 5);
}

}  // namespace
}  // namespace sightline::pull
