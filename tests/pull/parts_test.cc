// The small parts: digests, URLs, names, pauses; and the fuzz target's seeds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <filesystem>

#include "services/pull/checksum.h"
#include "services/pull/names.h"
#include "services/pull/retry.h"
#include "services/pull/selection.h"
#include "services/pull/url.h"
#include "tests/pull/fake_hub.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace sightline::pull {
namespace {

TEST(Checksum, AsPublished) {
  EXPECT_EQ(Sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // `printf 'what is up, doc?' | git hash-object --stdin`
  EXPECT_EQ(GitSha1("what is up, doc?"), "bd9dbf5aae1a3862dd1526723246b20206e5fc37");
  EXPECT_EQ(GitSha1(""), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

TEST(Url, OriginsResolutionAndMessages) {
  EXPECT_EQ(*OriginOf("https://Hub.Example/a?b"), "https://hub.example:443");
  EXPECT_NE(*OriginOf("https://hub.example:444/"), *OriginOf("https://hub.example/"));
  EXPECT_NE(*OriginOf("http://hub.example/"), *OriginOf("https://hub.example/"));
  EXPECT_EQ(*ResolveUrl("https://h/a/b?x", "/c"), "https://h/c");
  EXPECT_EQ(*ResolveUrl("https://h/a/b", "https://other/c?d=e"), "https://other/c?d=e");
  EXPECT_FALSE(ResolveUrl("https://h/a", "").ok());
  EXPECT_EQ(UrlForMessages("https://h:81/a?signature=secret"), "https://h:81/a");
  EXPECT_EQ(EscapeUrl("a b/c%#?.json", true), "a%20b/c%25%23%3F.json");
  EXPECT_EQ(NextLink("<https://h/1>; rel=\"first\", <https://h/2>; rel=\"next\""), "https://h/2");
  EXPECT_EQ(NextLink("<https://h/1>; rel=\"first\""), "");
  EXPECT_EQ(NextLink("<<<>>"), "");
}

TEST(Url, PlainHttpStaysHere) {
  EXPECT_TRUE(CheckTransport("http://localhost:8000").ok());
  EXPECT_TRUE(CheckTransport("http://[::1]:8000").ok());
  EXPECT_FALSE(CheckTransport("http://localhost.example").ok());
  EXPECT_FALSE(CheckTransport("http://127.0.0.1@hub.example").ok());
}

TEST(Names, DotsInsideAreFine) {
  EXPECT_TRUE(CheckFileName("model..v2/..a/b.json").ok());
  EXPECT_TRUE(CheckRepository("Qwen/Qwen2.5-VL-3B-Instruct").ok());
  EXPECT_TRUE(CheckRevision("refs/pr/12").ok());
}

TEST(RetryAfter, SecondsOrDate) {
  EXPECT_EQ(ParseRetryAfter("7"), 7);
  EXPECT_EQ(ParseRetryAfter("-7"), -1);
  EXPECT_EQ(ParseRetryAfter(""), -1);
  EXPECT_EQ(ParseRetryAfter("soon"), -1);
  EXPECT_EQ(ParseRetryAfter("Thu, 01 Jan 2004 00:00:00 GMT"), 0);
  char date[64];
  const time_t later = std::time(nullptr) + 60;
  tm utc{};
  std::strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&later, &utc));
  EXPECT_NEAR(ParseRetryAfter(date), 60, 2);
}

TEST(Retries, ProgressStartsTheCountAgainUpToABound) {
  RetryPolicy policy;
  policy.attempts = 3;
  policy.most_attempts = 20;
  policy.first_pause_s = 0;
  const auto run = [&](bool progress) {
    int tries = 0;
    EXPECT_FALSE(WithRetries(
                     policy, [] { return false; },
                     [&]() -> Attempt {
                       ++tries;
                       return {absl::UnavailableError("x"), true, progress};
                     })
                     .ok());
    return tries;
  };
  EXPECT_EQ(run(false), 3);
  EXPECT_EQ(run(true), 20);
}

TEST(Selection, OfSeveralGgufModelsOneMustBeChosen) {
  const auto file = [](const char* path) { return RemoteFile{path, 1, {}}; };
  const std::vector<RemoteFile> several = {file("m-Q4_K.gguf"), file("m-Q8_0.gguf"),
                                           file("mmproj-m.gguf")};
  EXPECT_EQ(ReasonOf(Select(several, {}).status()), "SEVERAL_MODELS");
  EXPECT_EQ(Select(several, {{"*Q8_0*", "mmproj*"}, {}})->size(), 2u);
  EXPECT_EQ(Select({file("m-00001-of-00002.gguf"), file("m-00002-of-00002.gguf")}, {})->size(), 2u);
}

TEST(Selection, CodeIsNeverFetched) {
  for (const char* name : {"a.py", "pytorch_model.BIN", "x/y.pt", "z.pkl", "run.sh", "lib.so"})
    EXPECT_TRUE(IsNeverFetched(name)) << name;
  for (const char* name : {"a.json", "m.safetensors", "t.model", "bin.txt"})
    EXPECT_FALSE(IsNeverFetched(name)) << name;
}

TEST(Fuzz, SeedsReplay) {
  int seeds = 0;
  for (const auto& e :
       std::filesystem::directory_iterator(SIGHTLINE_SOURCE_DIR "/tests/fuzz/corpus/hub_listing")) {
    const std::string bytes = ReadFile(e.path().string());
    for (size_t cut = 0; cut <= bytes.size(); cut += 1 + bytes.size() / 50)
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size() - cut);
    ++seeds;
  }
  EXPECT_GE(seeds, 6);
}

}  // namespace
}  // namespace sightline::pull
