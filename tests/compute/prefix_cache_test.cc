#include "compute/kv/prefix_cache.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/compute/random.h"

namespace sightline {
namespace {

std::vector<PageKey> Keys(const std::string& prompt) {
  std::vector<PageKey> keys;
  for (size_t i = 1; i <= prompt.size(); ++i) keys.push_back(prompt.substr(0, i));
  return keys;
}

class PrefixCacheTest : public testing::Test {
 protected:
  static constexpr int64_t kPages = 10;
  PrefixCacheTest() : pool_(4, kPages * 16), cache_(&pool_) {
    pool_.set_reclaim([this] { return cache_.DropOldest(); });
  }
  // A sequence that has filled a page for each letter.
  std::unique_ptr<PageTable> Filled(const std::string& prompt) {
    auto table = std::make_unique<PageTable>(&pool_);
    auto keys = Keys(prompt);
    for (std::byte* page : cache_.Find(keys)) table->Append(page);
    EXPECT_TRUE(table->Reserve(static_cast<int32_t>(prompt.size()) * kPageRows).ok());
    std::vector<std::byte*> pages;
    for (int64_t i = 0; i < table->size(); ++i) pages.push_back(table->page(i));
    cache_.Keep(keys, pages);
    return table;
  }
  size_t Found(const std::string& prompt) {
    auto pages = cache_.Find(Keys(prompt));
    for (std::byte* p : pages) pool_.Give(p);
    return pages.size();
  }
  PagePool pool_;
  PrefixCache cache_;
};

TEST_F(PrefixCacheTest, FindsTheLongestBeginning) {
  std::byte* third = nullptr;
  {
    auto table = Filled("abcd");
    third = table->page(2);
    EXPECT_EQ(cache_.idle(), 0);
  }
  EXPECT_EQ(cache_.idle(), 4);
  EXPECT_EQ(pool_.pages_in_use(), 4);
  EXPECT_EQ(Found("abcxyz"), 3u);
  EXPECT_EQ(Found("abcd"), 4u);
  EXPECT_EQ(Found("xbcd"), 0u);
  auto other = Filled("abcz");
  EXPECT_EQ(other->page(2), third);
  EXPECT_EQ(pool_.pages_in_use(), 5);
}

TEST_F(PrefixCacheTest, TheOldestEndsGoFirst) {
  Filled("abcd").reset();
  Filled("xyz").reset();
  EXPECT_EQ(Found("abcd"), 4u);  // used last now
  auto big = Filled("12345");    // 7 + 5 pages: two must go
  EXPECT_EQ(pool_.pages_in_use(), kPages);
  EXPECT_EQ(Found("xyz"), 1u);
  EXPECT_EQ(Found("abcd"), 4u);
}

TEST_F(PrefixCacheTest, PagesInUseAreNeverDropped) {
  auto held = Filled("abcdef");
  auto more = Filled("1234");
  EXPECT_EQ(cache_.idle(), 0);
  PageTable table(&pool_);
  EXPECT_EQ(ReasonOf(table.Reserve(1)), "KV_CACHE_FULL");
  more.reset();
  EXPECT_TRUE(table.Reserve(2 * kPageRows).ok());
  EXPECT_EQ(Found("abcdef"), 6u);
  EXPECT_EQ(Found("1234"), 2u);
}

// Random prompts: a found page holds what was written under its key.
TEST_F(PrefixCacheTest, APageIsWhatItsKeySays) {
  Rng rng(5);
  std::map<std::string, float> marks;
  float next = 1;
  for (int round = 0; round < 2000; ++round) {
    std::string prompt;
    for (int64_t n = Between(1, 6, rng); n > 0; --n)
      prompt.push_back(static_cast<char>('a' + Between(0, 2, rng)));
    auto keys = Keys(prompt);
    size_t known = Found(prompt);
    auto table = Filled(prompt);
    for (size_t i = 0; i < keys.size(); ++i) {
      auto* page = reinterpret_cast<float*>(table->page(static_cast<int64_t>(i)));
      if (i < known) {
        ASSERT_EQ(*page, marks[keys[i]]) << keys[i];
      } else {
        *page = marks[keys[i]] = next++;
      }
    }
    ASSERT_LE(pool_.pages_in_use(), kPages);
    ASSERT_EQ(cache_.size(), pool_.pages_in_use());
  }
}

}  // namespace
}  // namespace sightline
