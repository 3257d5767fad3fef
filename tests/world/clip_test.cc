// Clips: sampling, event times, and what frames show before and after an event.
#include "tools/world/clip.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sightline::world {
namespace {

bool Shown(const Clip& clip, int object, double t) {
  int shape = clip.base.objects[static_cast<size_t>(object)].shape;  // unique within a clip
  for (const Object& o : SceneAt(clip, t).objects) {
    if (o.shape == shape) return o.u > 0 && o.u < 1 && o.v > 0 && o.v < 1;
  }
  return false;
}

TEST(Sampling, TwoAFrameASecondWithinBounds) {
  EXPECT_EQ(SampledFrames(0.5), 4);
  EXPECT_EQ(SampledFrames(2.0), 4);
  EXPECT_EQ(SampledFrames(2.1), 5);
  EXPECT_EQ(SampledFrames(8.0), 16);
  EXPECT_EQ(SampledFrames(16.0), 32);
  EXPECT_EQ(SampledFrames(30.0), 32);
  std::vector<double> t = SampleTimes(8.0);
  EXPECT_DOUBLE_EQ(t.front(), 0.3);
  EXPECT_DOUBLE_EQ(t.back(), 7.8);
}

TEST(Clip, EventsAreApartAndInside) {
  Rng rng(5);
  for (int i = 0; i < 300; ++i) {
    double duration = rng.Range(2, 30);
    Clip clip = MakeClip(&rng, 1.2, duration);
    EXPECT_LE(clip.events.size(), 6u);
    double interval = duration / SampledFrames(duration);
    for (size_t k = 0; k < clip.events.size(); ++k) {
      EXPECT_GT(clip.events[k].time_s, interval / 2);
      EXPECT_LT(clip.events[k].time_s, duration - interval / 2);
      if (k > 0) {
        EXPECT_GT(clip.events[k].time_s - clip.events[k - 1].time_s, std::max(1.19, interval));
      }
    }
  }
}

TEST(Clip, FramesShowTheEvents) {
  Rng rng(6);
  size_t events = 0;
  for (int i = 0; i < 300; ++i) {
    Clip clip = MakeClip(&rng, 1.0, rng.Range(3, 25));
    events += clip.events.size();
    for (const Event& e : clip.events) {
      double before = e.time_s - 0.2, after = e.time_s + 0.2;
      switch (e.type) {
        case EventType::kEnter:
        case EventType::kAppear:
          EXPECT_FALSE(Shown(clip, e.object, before));
          EXPECT_TRUE(Shown(clip, e.object, after));
          break;
        case EventType::kLeave:
        case EventType::kVanish:
          EXPECT_TRUE(Shown(clip, e.object, before));
          EXPECT_FALSE(Shown(clip, e.object, after));
          break;
        default:
          EXPECT_TRUE(Shown(clip, e.object, before));
          EXPECT_TRUE(Shown(clip, e.object, after));
      }
    }
  }
  EXPECT_GT(events, 300u);
}

TEST(Clip, QuestionsAboutTimesAcceptTheSampledFrame) {
  Rng rng(7);
  int times = 0;
  for (int i = 0; i < 400; ++i) {
    Clip clip = MakeClip(&rng, 1.0, rng.Range(2, 30));
    Qa qa;
    if (!AskAboutClip(&rng, clip, &qa)) continue;
    EXPECT_TRUE(ScoreReply(qa, qa.answer).correct) << qa.question << " -> " << qa.answer;
    if (qa.time_s < 0) continue;
    ++times;
    EXPECT_FALSE(ScoreReply(qa, "99.9s").correct);
  }
  EXPECT_GT(times, 30);
}

}  // namespace
}  // namespace sightline::world
