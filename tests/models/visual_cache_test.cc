#include "fusion/visual_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

namespace sightline {
namespace {

MediaPtr Media(int floats, float value) {
  auto m = std::make_shared<EncodedMedia>();
  m->spans.emplace_back();
  m->spans[0].features.assign(static_cast<size_t>(floats), value);
  return m;
}

TEST(VisualCache, KeysCoverTheFileAndWhatWasAsked) {
  MediaItem item;
  item.bytes = "abc";
  std::vector<std::string> keys = {MediaKey(item, "m"), MediaKey(item, "n")};
  MediaItem other = item;
  other.bytes = "abd";
  keys.push_back(MediaKey(other, "m"));
  other = item;
  other.kind = MediaItem::Kind::kVideo;
  keys.push_back(MediaKey(other, "m"));
  for (const auto& change : std::vector<std::function<void(VideoSampling*)>>{
           [](VideoSampling* s) { s->frames_per_second = 1; },
           [](VideoSampling* s) { s->max_frames = 3; }, [](VideoSampling* s) { s->start_s = 2; },
           [](VideoSampling* s) { s->end_s = 2; }}) {
    other = item;
    change(&other.sampling);
    keys.push_back(MediaKey(other, "m"));
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    for (size_t j = 0; j < i; ++j) EXPECT_NE(keys[i], keys[j]) << i << " " << j;
  }
  EXPECT_EQ(keys[0], MediaKey(item, "m"));
}

TEST(VisualCache, HoldsItsBudgetByLastUse) {
  MediaPtr a = Media(100, 1), b = Media(100, 2), c = Media(100, 3);
  VisualCache cache(2 * MediaBytes(*a));
  int made = 0;
  auto get = [&](const std::string& key, const MediaPtr& media) {
    auto found = cache.Get(key, {}, [&]() -> StatusOr<MediaPtr> {
      ++made;
      return media;
    });
    EXPECT_TRUE(found.ok());
    EXPECT_EQ(found->media, media);
    EXPECT_LE(cache.bytes(), 2 * MediaBytes(*a));
    return found->cached;
  };
  EXPECT_FALSE(get("a", a));
  EXPECT_FALSE(get("b", b));
  EXPECT_TRUE(get("a", a));
  EXPECT_FALSE(get("c", c));  // b goes
  EXPECT_TRUE(get("a", a));
  EXPECT_FALSE(get("b", b));  // c goes
  EXPECT_TRUE(get("a", a));
  MediaPtr huge = Media(10000, 4);
  EXPECT_FALSE(get("huge", huge));
  EXPECT_FALSE(get("huge", huge));
  EXPECT_TRUE(get("a", a));  // what never fits drives nothing out
  EXPECT_EQ(made, 6);
}

TEST(VisualCache, ErrorsAreNotKeptAndNotShared) {
  VisualCache cache(1 << 20);
  auto failed = cache.Get(
      "k", {}, []() -> StatusOr<MediaPtr> { return absl::InvalidArgumentError("broken"); });
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kInvalidArgument);
  MediaPtr m = Media(10, 1);
  auto found = cache.Get("k", {}, [&]() -> StatusOr<MediaPtr> { return m; });
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->cached);
}

TEST(VisualCache, OneMakesAndTheOthersWait) {
  VisualCache cache(0);  // keeps nothing: what is shared was in flight
  constexpr int kCallers = 8;
  std::atomic<int> made{0}, shared{0}, arrived{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kCallers; ++i) {
    threads.emplace_back([&] {
      ++arrived;
      auto found = cache.Get("k", {}, [&]() -> StatusOr<MediaPtr> {
        while (arrived < kCallers) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        ++made;
        return Media(10, 1);
      });
      ASSERT_TRUE(found.ok());
      shared += found->cached ? 1 : 0;
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(made + shared, kCallers);
  EXPECT_LT(made, kCallers);
}

TEST(VisualCache, WaitersLeaveAndTakeOver) {
  VisualCache cache(1 << 20);
  std::atomic<bool> flying{false}, land{false};
  std::thread leader([&] {
    auto failed = cache.Get("k", {}, [&]() -> StatusOr<MediaPtr> {
      flying = true;
      while (!land) std::this_thread::yield();
      return absl::CancelledError("left");
    });
    EXPECT_EQ(failed.status().code(), absl::StatusCode::kCancelled);
  });
  while (!flying) std::this_thread::yield();
  RequestContext brief;
  brief.deadline = absl::Now() + absl::Milliseconds(20);
  auto late = cache.Get("k", brief, []() -> StatusOr<MediaPtr> { return Media(1, 1); });
  EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
  std::thread next([&] {
    auto found = cache.Get("k", {}, []() -> StatusOr<MediaPtr> { return Media(1, 2); });
    ASSERT_TRUE(found.ok());
    EXPECT_FALSE(found->cached);
    EXPECT_EQ(found->media->spans[0].features[0], 2);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  land = true;
  leader.join();
  next.join();
}

// Many threads, few keys, a budget for some of them, and makers that fail at times.
TEST(VisualCache, EveryKeyGetsItsOwnMedia) {
  VisualCache cache(4 * MediaBytes(*Media(64, 0)));
  std::atomic<int> bad{0}, hits{0};
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 6; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 rng(t);
      for (int i = 0; i < 3000; ++i) {
        auto which = static_cast<int>(rng() % 9);
        bool fails = rng() % 10 == 0;
        auto found = cache.Get(std::to_string(which), {}, [&]() -> StatusOr<MediaPtr> {
          if (fails) return absl::InternalError("now and then");
          return Media(64, static_cast<float>(which));
        });
        if (!found.ok()) {
          bad += fails ? 0 : 1;
        } else {
          bad += found->media->spans[0].features[63] == static_cast<float>(which) ? 0 : 1;
          hits += found->cached ? 1 : 0;
        }
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(bad, 0);
  EXPECT_GT(hits, 0);
  EXPECT_LE(cache.bytes(), 4 * MediaBytes(*Media(64, 0)));
}

}  // namespace
}  // namespace sightline
