// What a clip's file has lost: told of a file that is cut off or damaged, and of no other.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/vision/media_files.h"
#include "vision/video.h"

namespace sightline {
namespace {

SampleOptions EveryFrame() {
  SampleOptions options;
  options.policy.fps = 1000;
  options.policy.max_frames = 20'000;
  return options;
}

struct Lost {
  int64_t missing_ms = 0;
  int lost_frames = 0, damaged_frames = 0;
  bool any() const { return missing_ms > 0 || lost_frames > 0 || damaged_frames > 0; }
};

Lost LostOf(std::string_view file, const SampleOptions& options) {
  auto video = SampleFrames(ReadMedia(file), options);
  EXPECT_TRUE(video.ok()) << file << ": " << video.status();
  if (!video.ok()) return {};
  Lost lost{video->missing_ms, video->lost_frames, 0};
  for (const VideoFrame& f : video->frames) lost.damaged_frames += f.damaged;
  return lost;
}

TEST(Video, SaysWhatAFileHasLost) {
  const SampleOptions all = EveryFrame();
  EXPECT_EQ(LostOf("cut_mp4.mp4", all).missing_ms, 2400 - 1480);
  EXPECT_EQ(LostOf("cut_mp4.mp4", SampleOptions{}).missing_ms, 2400 - 1480);
  EXPECT_EQ(LostOf("mov_last_samples_missing.mov", all).missing_ms, 400);
  EXPECT_EQ(LostOf("mov_every_third_frame_zeros.mov", all).lost_frames, 3);
  EXPECT_GT(LostOf("ts_packets_lost.ts", all).damaged_frames, 10);
  EXPECT_EQ(LostOf("ts_packets_lost.ts", all).missing_ms, 0);
  const Lost flipped = LostOf("mkv_bits_flipped.mkv", all);
  EXPECT_GT(flipped.lost_frames, 0);
  EXPECT_GT(flipped.damaged_frames, 0);
  EXPECT_GT(LostOf("ts_starts_in_a_group.ts", all).lost_frames, 0);
}

// What is missing is missed only where it was asked for.
TEST(Video, APartThatTheFileHoldsHasLostNothing) {
  SampleOptions options;
  options.policy.end_ms = 1000;
  EXPECT_FALSE(LostOf("cut_mp4.mp4", options).any());
  options.policy.end_ms = 1600;
  EXPECT_EQ(LostOf("cut_mp4.mp4", options).missing_ms, 120);
  options.policy.end_ms = INT64_MAX;
  EXPECT_EQ(LostOf("cut_mp4.mp4", options).missing_ms, 920);
}

TEST(Video, SoundFilesHaveLostNothing) {
  const std::set<std::string> hurt = {"mkv_bits_flipped.mkv", "mov_declares_another_size.mov",
                                      "mov_every_third_frame_zeros.mov",
                                      "mov_last_samples_missing.mov"};
  int sound = 0;
  for (const MediaCase& c : AllMediaCases()) {
    if (c.kind != "video" || !c.ok() || !c.either.empty() || hurt.count(c.file) ||
        c.file.starts_with("cut_") || c.file.starts_with("ts_packets_lost") ||
        c.file.starts_with("ts_starts_in_a_group"))
      continue;
    SCOPED_TRACE(c.file);
    EXPECT_FALSE(LostOf(c.file, SampleOptions{}).any());
    if (c.repeats == 1) {
      EXPECT_FALSE(LostOf(c.file, EveryFrame()).any());
    }
    ++sound;
  }
  EXPECT_GE(sound, 40);
}

}  // namespace
}  // namespace sightline
