// Clips whose frames show their numbers: which frames come back, with which times.
#include "vision/video.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <set>
#include <thread>

#include "tests/vision/media_files.h"

namespace sightline {
namespace {

constexpr int kCellPx = 16, kCellHeightPx = 32, kBitsARow = 7;

// The number a frame of clips.py shows; -1 where a cell is neither light nor dark.
int NumberIn(const Image& image) {
  int number = 0;
  for (int bit = 0; bit < 2 * kBitsARow; ++bit) {
    const int x = bit % kBitsARow * kCellPx + kCellPx / 2;
    const int y = bit / kBitsARow * kCellHeightPx + kCellHeightPx / 2;
    const int green = image.row(y)[x * 3 + 1];
    if (green > 100 && green < 160) return -1;
    if (green >= 160) number |= 1 << bit;
  }
  return number;
}

int64_t Rounded(double ms) { return static_cast<int64_t>(std::floor(ms + 0.5 + 1e-6)); }

SampleOptions EveryFrame() {
  SampleOptions options;
  options.policy.fps = 1000;
  options.policy.max_frames = 200'000;
  return options;
}

std::vector<MediaCase> NumberedClips() {
  std::vector<MediaCase> clips;
  for (const MediaCase& c : AllMediaCases()) {
    if (!c.frames_ms.empty()) clips.push_back(c);
  }
  return clips;
}

// Times of all frames, those of a repeated part after the first.
std::vector<double> AllTimes(const MediaCase& c) {
  std::vector<double> times;
  const double length = c.frames_ms.back() + c.frames_ms[1];
  for (int r = 0; r < c.repeats; ++r) {
    for (double t : c.frames_ms) times.push_back(t + r * length);
  }
  return times;
}

TEST(Video, EveryFrameComesOnceWithItsTime) {
  for (const MediaCase& c : NumberedClips()) {
    SCOPED_TRACE(c.file);
    auto video = SampleFrames(ReadMedia(c.file), EveryFrame());
    ASSERT_TRUE(video.ok()) << video.status();
    const std::vector<double> times = AllTimes(c);
    ASSERT_EQ(video->frames.size(), times.size());
    EXPECT_EQ(video->info.frame_count, static_cast<int64_t>(times.size()));
    for (size_t i = 0; i < times.size(); ++i) {
      ASSERT_EQ(NumberIn(video->frames[i].image), static_cast<int>(i % c.frames_ms.size()));
      ASSERT_EQ(video->frames[i].timestamp_ms, Rounded(times[i])) << "frame " << i;
      ASSERT_FALSE(video->frames[i].damaged);
    }
  }
}

TEST(Video, SampledFramesAreTheLastNotLater) {
  for (const MediaCase& c : NumberedClips()) {
    for (int count : {1, 3, 8, 32}) {
      SCOPED_TRACE(c.file + " " + std::to_string(count));
      SampleOptions options;
      options.policy.fps = 0;
      options.policy.min_frames = options.policy.max_frames = count;
      auto video = SampleFrames(ReadMedia(c.file), options);
      ASSERT_TRUE(video.ok()) << video.status();
      const std::vector<double> times = AllTimes(c);
      // A time that falls on a frame's within rounding may give that one or the one before.
      auto last_at = [&](double t) {
        size_t last = 0;
        while (last + 1 < times.size() && times[last + 1] <= t) ++last;
        return last;
      };
      std::set<size_t> required, allowed;
      for (int i = 0; i < count; ++i) {
        const double t = (i + 0.5) * static_cast<double>(video->info.duration_ms) / count;
        const size_t low = last_at(t - 1), high = last_at(t + 1);
        if (low == high) required.insert(low);
        allowed.insert({low, high});
      }
      ASSERT_GE(video->frames.size(), required.size());
      for (const VideoFrame& frame : video->frames) {
        const size_t at = std::find_if(times.begin(), times.end(),
                                       [&](double t) { return Rounded(t) == frame.timestamp_ms; }) -
                          times.begin();
        ASSERT_LT(at, times.size()) << frame.timestamp_ms;
        EXPECT_EQ(NumberIn(frame.image), static_cast<int>(at % c.frames_ms.size()));
        EXPECT_EQ(allowed.count(at), 1u) << at;
        required.erase(at);
      }
      EXPECT_TRUE(required.empty()) << *required.begin();
    }
  }
}

TEST(Video, DurationsAreTheEndOfTheLastFrame) {
  EXPECT_EQ(ProbeVideo(ReadMedia("clip_h264_b_frames.mp4"))->duration_ms, 2400);
  EXPECT_EQ(ProbeVideo(ReadMedia("clip_h264_moov_last.mp4"))->duration_ms, 2400);
  EXPECT_EQ(ProbeVideo(ReadMedia("clip_h264_ntsc.mp4"))->duration_ms, 2002);
  EXPECT_EQ(ProbeVideo(ReadMedia("clip_h264.ts"))->duration_ms, 2400);
  EXPECT_EQ(ProbeVideo(ReadMedia("clip_15_minutes.mp4"))->duration_ms, 900'000);
  EXPECT_EQ(ProbeVideo(ReadMedia("clip_gif.gif"))->duration_ms, 2000);
  EXPECT_NEAR(ProbeVideo(ReadMedia("clip_h264_ntsc.mp4"))->fps, 30000.0 / 1001, 1e-3);
}

TEST(Video, InfoNamesContainerCodecAndSound) {
  const struct {
    const char *file, *container, *codec;
  } wanted[] = {{"clip_h264.mkv", "matroska", "h264"}, {"clip_h264.ts", "mpegts", "h264"},
                {"clip_hevc.mp4", "mov", "hevc"},      {"clip_vp8.webm", "matroska", "vp8"},
                {"clip_vp9.webm", "matroska", "vp9"},  {"clip_av1.mp4", "mov", "av1"},
                {"clip_mjpeg.mov", "mov", "mjpeg"},    {"clip_mpeg4.mp4", "mov", "mpeg4"},
                {"clip_gif.gif", "gif", "gif"}};
  for (const auto& w : wanted) {
    auto info = ProbeVideo(ReadMedia(w.file));
    ASSERT_TRUE(info.ok()) << w.file << info.status();
    EXPECT_EQ(info->container, w.container);
    EXPECT_EQ(info->codec, w.codec);
    EXPECT_FALSE(info->has_audio);
    EXPECT_FALSE(info->cut_off);
  }
  EXPECT_TRUE(ProbeVideo(ReadMedia("clip_with_sound.mp4"))->has_audio);
  EXPECT_TRUE(ProbeVideo(ReadMedia("cut_mp4.mp4"))->cut_off);
  EXPECT_TRUE(ProbeVideo(ReadMedia("mov_last_samples_missing.mov"))->cut_off);
}

// A few frames out of 9,000 cost a few groups of 250, not the clip.
TEST(Video, SeeksInALongClipDecodeLittle) {
  const std::string bytes = ReadMedia("clip_15_minutes.mp4");
  SampleOptions options;
  options.policy.fps = 0;
  options.policy.min_frames = options.policy.max_frames = 5;
  auto video = SampleFrames(bytes, options);
  ASSERT_TRUE(video.ok()) << video.status();
  ASSERT_EQ(video->frames.size(), 5u);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(NumberIn(video->frames[i].image), 900 + 1800 * i);
    EXPECT_EQ(video->frames[i].timestamp_ms, 90'000 + 180'000 * i);
  }
  EXPECT_LE(video->decoded_frames, 5 * 253);
}

// Passing over frames that nothing depends on must not change a pixel of those that are kept.
TEST(Video, SampledPixelsAreThoseOfAFullDecode) {
  for (const MediaCase& c : NumberedClips()) {
    if (c.frames_ms.size() > 500) continue;
    SCOPED_TRACE(c.file);
    const std::string bytes = ReadMedia(c.file);
    auto all = SampleFrames(bytes, EveryFrame());
    ASSERT_TRUE(all.ok());
    for (int count : {2, 5, 13}) {
      SampleOptions options;
      options.policy.fps = 0;
      options.policy.min_frames = options.policy.max_frames = count;
      auto some = SampleFrames(bytes, options);
      ASSERT_TRUE(some.ok());
      for (const VideoFrame& frame : some->frames) {
        auto same = std::find_if(all->frames.begin(), all->frames.end(), [&](const VideoFrame& f) {
          return f.timestamp_ms == frame.timestamp_ms;
        });
        ASSERT_NE(same, all->frames.end());
        EXPECT_TRUE(frame.image.rgb == same->image.rgb) << frame.timestamp_ms << " of " << count;
      }
    }
  }
}

TEST(Video, APartOfAClip) {
  const std::string bytes = ReadMedia("clip_15_minutes.mp4");
  SampleOptions options;
  options.policy.start_ms = 600'000;
  options.policy.end_ms = 602'000;
  auto video = SampleFrames(bytes, options);
  ASSERT_TRUE(video.ok()) << video.status();
  ASSERT_EQ(video->frames.size(), 4u);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(NumberIn(video->frames[i].image), (600'250 + 500 * i) / 100);
  }
  EXPECT_LE(video->decoded_frames, 2 * 253);
  options.policy.end_ms = INT64_MAX;
  EXPECT_TRUE(SampleFrames(bytes, options).ok());
  options.policy.start_ms = INT64_MIN;
  EXPECT_TRUE(SampleFrames(bytes, options).ok());
  for (int64_t start_ms : {INT64_C(900'000), INT64_MAX}) {
    options.policy.start_ms = start_ms;
    EXPECT_EQ(ReasonOf(SampleFrames(bytes, options).status()), "VIDEO_EMPTY_RANGE");
  }
}

TEST(Video, ThreadCountChangesNothing) {
  for (const char* file :
       {"clip_h264_open_gop.ts", "clip_hevc.mp4", "clip_vp9.webm", "clip_av1.mkv"}) {
    SCOPED_TRACE(file);
    const std::string bytes = ReadMedia(file);
    SampleOptions options;
    options.limits.decoder_threads = 1;
    auto one = SampleFrames(bytes, options);
    options.limits.decoder_threads = 4;
    auto four = SampleFrames(bytes, options);
    ASSERT_TRUE(one.ok() && four.ok());
    ASSERT_EQ(one->frames.size(), four->frames.size());
    for (size_t i = 0; i < one->frames.size(); ++i) {
      EXPECT_EQ(one->frames[i].timestamp_ms, four->frames[i].timestamp_ms);
      EXPECT_TRUE(one->frames[i].image.rgb == four->frames[i].image.rgb);
    }
  }
}

// A GIF draws parts over what stood before: a late frame needs all earlier ones.
TEST(Video, GifFramesBuildOnEarlierOnes) {
  auto video = SampleFrames(ReadMedia("gif_clip_endless_of_parts.gif"), EveryFrame());
  ASSERT_TRUE(video.ok()) << video.status();
  ASSERT_EQ(video->frames.size(), 7u);
  SampleOptions late;
  late.policy.fps = 0;
  late.policy.min_frames = late.policy.max_frames = 2;
  auto two = SampleFrames(ReadMedia("gif_clip_endless_of_parts.gif"), late);
  ASSERT_TRUE(two.ok());
  ASSERT_EQ(two->frames.size(), 2u);
  EXPECT_EQ(two->frames[1].timestamp_ms, 500);
  EXPECT_TRUE(two->frames[1].image.rgb == video->frames[5].image.rgb);
  const Image& last = video->frames[6].image;
  for (int cell = 0; cell < 6; ++cell) {
    const uint8_t* drawn = last.row(12) + (cell * 8 + 4) * 3;
    for (int other = 0; other < cell; ++other) {
      EXPECT_NE(std::memcmp(drawn, last.row(12) + (other * 8 + 4) * 3, 3), 0);
    }
    EXPECT_NE(std::memcmp(drawn, last.row(2), 3), 0);
  }
}

TEST(Video, LargeFramesAreReduced) {
  SampleOptions options;
  options.policy.max_side_px = 56;
  auto video = SampleFrames(ReadMedia("clip_h264.mkv"), options);
  ASSERT_TRUE(video.ok());
  for (const auto& frame : video->frames) {
    EXPECT_EQ(frame.image.width_px, 56);
    EXPECT_EQ(frame.image.height_px, 32);
    EXPECT_EQ(frame.source_width_px, 112);
    EXPECT_EQ(frame.source_height_px, 64);
  }
}

TEST(Video, CancellingStopsEverywhere) {
  const std::string bytes = ReadMedia("clip_15_minutes.mp4");
  // Polls of a whole run, then a cancel at chosen ones.
  int64_t polls = 0;
  SampleOptions options;
  options.cancelled = [&] { return ++polls, false; };
  ASSERT_TRUE(SampleFrames(bytes, options).ok());
  ASSERT_GT(polls, 17'000);  // each packet in both passes
  const int64_t all = polls;
  for (int64_t at : {INT64_C(1), INT64_C(2), all / 4, all / 2, all - 20}) {
    polls = 0;
    options.cancelled = [&] { return ++polls >= at; };
    auto video = SampleFrames(bytes, options);
    EXPECT_EQ(video.status().code(), absl::StatusCode::kCancelled) << at << video.status();
    EXPECT_LT(polls, at + 20);
  }
}

TEST(Video, ProgressRisesToTheEnd) {
  for (const char* file : {"clip_h264_b_frames.mp4", "clip_15_minutes.mp4", "clip_gif.gif"}) {
    VideoProgress last;
    int calls = 0;
    SampleOptions options;
    options.progress = [&](const VideoProgress& p) {
      EXPECT_GE(p.packets_done, last.packets_done);
      EXPECT_GE(p.frames_done, last.frames_done);
      EXPECT_LE(p.packets_done, p.packets_total);
      EXPECT_LE(p.frames_done, p.frames_total);
      last = p;
      ++calls;
    };
    auto video = SampleFrames(ReadMedia(file), options);
    ASSERT_TRUE(video.ok());
    EXPECT_GT(calls, 4);
    EXPECT_EQ(last.packets_done, last.packets_total);
    EXPECT_EQ(last.frames_done, static_cast<int>(video->frames.size()));
    EXPECT_EQ(last.frames_total, video->wanted_frames);
  }
}

std::string ReasonWith(const char* file, const std::function<void(SampleOptions*)>& change) {
  SampleOptions options;
  change(&options);
  return ReasonOf(SampleFrames(ReadMedia(file), options).status());
}

TEST(Video, LimitsHoldAtTheirEdges) {
  const char* clip = "clip_h264_b_frames.mp4";  // 60 frames, 2.4 s, 112 x 64
  using O = SampleOptions;
  EXPECT_EQ(ReasonWith(clip, [](O* o) { o->limits.max_packets = 60; }), "");
  EXPECT_EQ(ReasonWith(clip, [](O* o) { o->limits.max_packets = 59; }), "VIDEO_TOO_MANY_FRAMES");
  EXPECT_EQ(ReasonWith("clip_h264.mkv", [](O* o) { o->limits.max_packets = 59; }),
            "VIDEO_TOO_MANY_FRAMES");
  EXPECT_EQ(ReasonWith(clip, [](O* o) { o->limits.max_duration_ms = 2400; }), "");
  EXPECT_EQ(ReasonWith(clip, [](O* o) { o->limits.max_duration_ms = 2399; }), "VIDEO_TOO_LONG");
  EXPECT_EQ(
      ReasonWith(clip,
                 [](O* o) { o->limits.max_long_side_px = 112, o->limits.max_short_side_px = 64; }),
      "");
  EXPECT_EQ(ReasonWith(clip, [](O* o) { o->limits.max_long_side_px = 111; }), "VIDEO_TOO_LARGE");
  EXPECT_EQ(ReasonWith(clip, [](O* o) { o->limits.max_short_side_px = 63; }), "VIDEO_TOO_LARGE");
  EXPECT_EQ(ReasonWith(clip, [](O* o) { o->limits.min_side_px = 65; }), "VIDEO_TOO_SMALL");
  EXPECT_EQ(ReasonWith(clip, [](O* o) { o->limits.max_file_bytes = 100; }), "VIDEO_TOO_LARGE");
  EXPECT_EQ(ReasonWith(clip, [](O* o) { o->limits.max_packet_bytes = 20; }), "VIDEO_TOO_LARGE");
  EXPECT_EQ(ReasonWith(clip, [](O* o) { o->limits.max_wall_ms = -1; }), "VIDEO_DECODE_BUDGET");
  EXPECT_EQ(
      ReasonWith("clip_h264_one_key_frame.mp4", [](O* o) { o->limits.max_decoded_frames = 100; }),
      "VIDEO_DECODE_BUDGET");
}

TEST(Video, CallsAtTheSameTimeAgree) {
  const std::string files[] = {ReadMedia("clip_h264_b_frames.mp4"), ReadMedia("clip_vp9.webm"),
                               ReadMedia("h264_data_of_noise.mp4"), ReadMedia("clip_gif.gif")};
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 8; ++i) {
        const std::string& bytes = files[(t + i) % 4];
        auto a = SampleFrames(bytes), b = SampleFrames(bytes);
        if (a.ok() != b.ok()) ++failures;
        if (!a.ok() || !b.ok()) continue;
        for (size_t k = 0; k < a->frames.size(); ++k)
          failures += a->frames[k].image.rgb != b->frames[k].image.rgb;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace sightline
