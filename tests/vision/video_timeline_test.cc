// The arithmetic of times and plans, on timelines made up here.
#include "vision/video_timeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace sightline::video_internal {
namespace {

SamplePolicy Policy(double fps, int min_frames, int max_frames) {
  return {.fps = fps, .min_frames = min_frames, .max_frames = max_frames};
}

constexpr int64_t kFrameUs = 40'000;

// A stream of groups of `group` frames with `b` frames between references, in decode order.
std::vector<PacketTime> Stream(int frames, int group, int b) {
  std::vector<PacketTime> packets;
  auto add = [&](int shown, bool key) {
    PacketTime p;
    p.pts_us = (shown + 2) * kFrameUs;
    p.dts_us = static_cast<int64_t>(packets.size()) * kFrameUs;
    p.duration_us = kFrameUs;
    p.key = key;
    packets.push_back(p);
  };
  for (int start = 0; start < frames; start += group) {
    const int end = std::min(frames, start + group);
    add(start, true);
    for (int at = start + 1; at < end; at += b + 1) {
      const int reference = std::min(at + b, end - 1);
      add(reference, false);
      for (int n = at; n < reference; ++n) add(n, false);
    }
  }
  RepairTimes(kFrameUs, &packets);
  return packets;
}

TEST(RepairTimes, FirstShownFrameIsZero) {
  auto packets = Stream(50, 12, 3);
  std::vector<int64_t> times;
  for (const auto& p : packets) times.push_back(p.time_us);
  std::sort(times.begin(), times.end());
  for (size_t i = 0; i < times.size(); ++i) EXPECT_EQ(times[i], static_cast<int64_t>(i) * kFrameUs);
  EXPECT_EQ(DurationUs(packets, 1), 50 * kFrameUs);
}

TEST(RepairTimes, MissingTimesFollowTheirNeighbours) {
  auto packets = Stream(20, 20, 0);
  for (int i : {5, 6, 11}) packets[i].pts_us = packets[i].dts_us = kNoTime;
  RepairTimes(kFrameUs, &packets);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(packets[i].time_us, i * kFrameUs);
}

TEST(RepairTimes, AClockThatJumpsBackIsContinued) {
  auto packets = Stream(30, 10, 2);
  const auto again = packets;
  packets.insert(packets.end(), again.begin(), again.end());
  RepairTimes(kFrameUs, &packets);
  std::vector<int64_t> times;
  for (const auto& p : packets) times.push_back(p.time_us);
  std::sort(times.begin(), times.end());
  for (size_t i = 0; i < times.size(); ++i) EXPECT_EQ(times[i], static_cast<int64_t>(i) * kFrameUs);
}

TEST(RepairTimes, NonsenseNeverOverflows) {
  std::mt19937_64 random(std::random_device{}());
  for (int round = 0; round < 200; ++round) {
    std::vector<PacketTime> packets(1 + random() % 50);
    for (auto& p : packets) {
      p.pts_us = static_cast<int64_t>(random()) >> (random() % 64);
      p.dts_us = static_cast<int64_t>(random()) >> (random() % 64);
      p.duration_us = static_cast<int64_t>(random()) >> (random() % 64);
      p.key = random() % 3 == 0;
    }
    RepairTimes(kFrameUs, &packets);
    const int64_t duration_us = DurationUs(packets, kFrameUs);
    EXPECT_GE(duration_us, 0);
    for (const auto& p : packets) EXPECT_GE(p.time_us, 0);
    const auto wanted = ChooseFrames(packets, 0, duration_us, Policy(2, 4, 32));
    ASSERT_FALSE(wanted.empty());
    size_t planned = 0;
    for (const auto& s : PlanSegments(packets, wanted)) {
      EXPECT_GE(s.first, 0);
      EXPECT_LT(s.last, static_cast<int64_t>(packets.size()));
      planned += s.wanted.size();
    }
    EXPECT_EQ(planned, wanted.size());
  }
}

TEST(ReorderDepth, IsTheNumberOfFramesHeldBack) {
  EXPECT_EQ(ReorderDepth(Stream(40, 10, 0)), 0);
  EXPECT_EQ(ReorderDepth(Stream(40, 10, 1)), 1);
  EXPECT_EQ(ReorderDepth(Stream(40, 10, 3)), 1);  // a flat group: only its reference comes early
  auto packets = Stream(40, 40, 0);
  for (int i = 0; i < 40; ++i) packets[i].time_us = (i / 4 * 4 + 3 - i % 4) * kFrameUs;
  EXPECT_EQ(ReorderDepth(packets), 3);
  for (int i = 0; i < 40; ++i) packets[i].time_us = (39 - i) * kFrameUs;
  EXPECT_EQ(ReorderDepth(packets), 16);
}

TEST(ChooseFrames, TakesTheLastFrameNotLater) {
  std::mt19937 random(std::random_device{}());
  std::vector<PacketTime> packets(100);
  int64_t time = 0;
  for (auto& p : packets) {
    p.time_us = time;
    time += 1 + static_cast<int64_t>(random() % 200'000);
  }
  for (int n : {1, 2, 7, 32}) {
    const auto wanted = ChooseFrames(packets, 0, time, Policy(0, n, n));
    std::vector<int64_t> expected;
    for (int i = 0; i < n; ++i) {
      const auto at = static_cast<int64_t>((i + 0.5) * static_cast<double>(time) / n);
      int64_t last = 0;
      for (int64_t k = 0; k < 100; ++k) last = packets[k].time_us <= at ? k : last;
      if (expected.empty() || expected.back() != last) expected.push_back(last);
    }
    EXPECT_EQ(wanted, expected) << n;
  }
}

TEST(ChooseFrames, StaysInsideThePart) {
  const auto packets = Stream(250, 25, 0);  // 10 s
  const auto wanted = ChooseFrames(packets, 3'000'000, 5'000'000, Policy(2, 1, 32));
  EXPECT_EQ(wanted, (std::vector<int64_t>{81, 93, 106, 118}));
}

TEST(ChooseFrames, CountFollowsRateAndBounds) {
  const auto packets = Stream(250, 25, 0);  // 10 s
  const int64_t duration_us = DurationUs(packets, kFrameUs);
  EXPECT_EQ(ChooseFrames(packets, 0, duration_us, Policy(2, 4, 32)).size(), 20u);
  EXPECT_EQ(ChooseFrames(packets, 0, duration_us, Policy(2, 4, 8)).size(), 8u);
  EXPECT_EQ(ChooseFrames(packets, 0, duration_us, Policy(0.1, 4, 8)).size(), 4u);
  EXPECT_EQ(ChooseFrames(packets, 0, duration_us, Policy(1000, 1, 100'000)).size(), 250u);
}

// Every wanted frame lies in one stretch, which starts at a key frame that is not later.
TEST(PlanSegments, StartsAtKeyFramesAndDecodesLittle) {
  for (int b : {0, 2, 3}) {
    const auto packets = Stream(1000, 50, b);
    const auto wanted = ChooseFrames(packets, 0, DurationUs(packets, kFrameUs), Policy(0, 8, 8));
    const auto segments = PlanSegments(packets, wanted);
    int64_t decoded = 0, previous = -1;
    for (const auto& s : segments) {
      EXPECT_TRUE(packets[s.first].key);
      EXPECT_GT(s.first, previous);
      previous = s.last;
      decoded += s.last - s.first + 1;
      for (int64_t w : s.wanted) {
        EXPECT_GE(w, s.first);
        EXPECT_LE(w, s.last);
        EXPECT_GE(packets[w].time_us, packets[s.first].time_us);
      }
    }
    EXPECT_LE(decoded, 8 * 54);
  }
}

// Against the published processors' own arithmetic (numpy's linspace, torch's arange).
TEST(ChooseFrameNumbers, FollowsThePublishedRules) {
  using Numbers = std::vector<int64_t>;
  FrameCount count{2, 4, 768, 2};
  // 100 frames of 25 a second: 8 frames. arange(0, 100, 12.5), linspace(0, 99, 8) rounded.
  EXPECT_EQ(ChooseFrameNumbers(FrameRule::kStride, count, 100, 4),
            (Numbers{0, 12, 25, 37, 50, 62, 75, 87}));
  EXPECT_EQ(ChooseFrameNumbers(FrameRule::kEnds, count, 100, 4),
            (Numbers{0, 14, 28, 42, 57, 71, 85, 99}));
  // 3.9 s: 7 frames by the clock; Qwen2.5-VL takes an even number of them.
  EXPECT_EQ(ChooseFrameNumbers(FrameRule::kStride, count, 39, 3.9),
            (Numbers{0, 6, 13, 19, 26, 32}));
  EXPECT_EQ(ChooseFrameNumbers(FrameRule::kEnds, count, 39, 3.9),
            (Numbers{0, 6, 13, 19, 25, 32, 38}));
  // Fewer frames than asked for.
  EXPECT_EQ(ChooseFrameNumbers(FrameRule::kStride, count, 3, 0.1), (Numbers{0, 1}));
  EXPECT_EQ(ChooseFrameNumbers(FrameRule::kEnds, count, 3, 0.1), (Numbers{0, 1, 2}));
  EXPECT_EQ(ChooseFrameNumbers(FrameRule::kStride, count, 1, 0.1), (Numbers{0}));
  // Halves go to the even number: linspace(0, 5, 3) is 0, 2.5, 5.
  EXPECT_EQ(ChooseFrameNumbers(FrameRule::kEnds, {1, 3, 3, 1}, 6, 1), (Numbers{0, 2, 5}));
  // SmolVLM: 30 s at 10 a second leave out a second at both ends; 9 s do not.
  FrameCount smol{1, 1, 8, 1};
  EXPECT_EQ(ChooseFrameNumbers(FrameRule::kEndsInside, smol, 300, 30),
            (Numbers{10, 50, 90, 130, 170, 210, 250, 290}));
  EXPECT_EQ(ChooseFrameNumbers(FrameRule::kEndsInside, smol, 45, 4.5), (Numbers{0, 14, 29, 44}));
  EXPECT_EQ(ChooseFrameNumbers(FrameRule::kEndsInside, smol, 5, 0.2), (Numbers{0}));
}

TEST(ChooseFrameNumbers, AreInsideAndAscending) {
  std::mt19937 rng(std::random_device{}());
  for (int round = 0; round < 500; ++round) {
    FrameCount count{0.1 + rng() % 300 / 10.0, 1 + static_cast<int>(rng() % 8), 0,
                     1 + static_cast<int>(rng() % 4)};
    count.max_frames = count.min_frames + static_cast<int>(rng() % 64);
    auto total = static_cast<int64_t>(1 + rng() % 5000);
    double seconds = 0.01 + rng() % 10000 / 100.0;
    for (FrameRule rule : {FrameRule::kStride, FrameRule::kEnds, FrameRule::kEndsInside}) {
      std::vector<int64_t> numbers = ChooseFrameNumbers(rule, count, total, seconds);
      ASSERT_FALSE(numbers.empty());
      EXPECT_LE(numbers.size(), static_cast<size_t>(count.max_frames));
      EXPECT_GE(numbers.front(), 0);
      EXPECT_LT(numbers.back(), total);
      EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end(), std::less_equal<>()));
    }
  }
}

TEST(ChooseFrames, RulesByNumberStayInsideThePart) {
  std::vector<PacketTime> packets(100);
  for (size_t i = 0; i < packets.size(); ++i) packets[i].time_us = static_cast<int64_t>(i) * 40'000;
  SamplePolicy policy = Policy(2, 4, 32);
  policy.rule = FrameRule::kEnds;
  // Frames 25 to 74, four of them.
  EXPECT_EQ(ChooseFrames(packets, 1'000'000, 3'000'000, policy),
            (std::vector<int64_t>{25, 41, 58, 74}));
  EXPECT_EQ(ChooseFrames(packets, 1'010'000, 1'020'000, policy), (std::vector<int64_t>{25}));
}

}  // namespace
}  // namespace sightline::video_internal
