// Every file of the manifest has the outcome it names, in bounded time, with words of our own.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <set>

#include "tests/vision/media_files.h"
#include "vision/decode.h"
#include "vision/video.h"

namespace sightline {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMaxSeconds = 20;  // generous: sanitizers and a busy machine

SampleOptions EveryFrame() {
  SampleOptions options;
  options.policy.fps = 1000;
  options.policy.max_frames = 20'000;
  return options;
}

void ExpectOurOwnWords(const Status& status) {
  const std::string text(status.message());
  EXPECT_FALSE(text.empty());
  EXPECT_LT(text.size(), 200u);
  // Sizes are written 0x32; pointers are longer.
  const size_t hex = text.find("0x");
  if (hex != text.npos) {
    EXPECT_LT(std::min(text.size(), text.find_first_not_of("0123456789abcdef", hex + 2)), hex + 8)
        << text;
  }
  for (const char* foreign : {"/tmp", "/work", "moov box not found", "libav", "@", "Invalid data",
                              "errno", "std::", "passwd", "http"}) {
    EXPECT_EQ(text.find(foreign), text.npos) << text;
  }
}

void ExpectOutcome(const MediaCase& c, const Status& status) {
  if (c.ok() && status.ok()) return;
  if (!c.either.empty() && !status.ok()) {
    EXPECT_EQ(ReasonOf(status), c.either) << status;
  } else {
    EXPECT_EQ(CodeName(status), c.code) << status;
    EXPECT_EQ(ReasonOf(status), c.reason) << status;
  }
  if (!status.ok()) ExpectOurOwnWords(status);
}

void CheckImage(const MediaCase& c, const std::string& bytes) {
  auto image = DecodeImage(bytes);
  ExpectOutcome(c, image.status());
  if (!c.ok() || !image.ok()) return;
  EXPECT_EQ(image->image.width_px, c.width_px);
  EXPECT_EQ(image->image.height_px, c.height_px);
  EXPECT_EQ(Unlike(image->image, c), "");
  auto info = ProbeImage(bytes);
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->width_px(), c.width_px);
  EXPECT_EQ(info->height_px(), c.height_px);
}

void CheckVideo(const MediaCase& c, const std::string& bytes) {
  auto video = SampleFrames(bytes, EveryFrame());
  ExpectOutcome(c, video.status());
  if (!c.ok() || !video.ok()) return;
  EXPECT_EQ(video->info.width_px, c.width_px);
  EXPECT_EQ(video->info.height_px, c.height_px);
  EXPECT_EQ(video->info.has_audio, c.has_audio);
  ASSERT_FALSE(video->frames.empty());
  EXPECT_EQ(Unlike(video->frames[0].image, c), "");
  if (c.frames_count) {
    EXPECT_EQ(static_cast<int>(video->frames.size()), c.frames_count);
  }
  std::set<int> widths;
  for (size_t i = 0; i < video->frames.size(); ++i) {
    const VideoFrame& frame = video->frames[i];
    widths.insert(frame.source_width_px);
    EXPECT_EQ(frame.image.width_px, frame.source_width_px);
    EXPECT_EQ(frame.image.height_px, frame.source_height_px);
    EXPECT_GE(frame.timestamp_ms, i ? video->frames[i - 1].timestamp_ms : 0);
    EXPECT_LE(frame.timestamp_ms, video->info.duration_ms);
  }
  if (c.changes_size) {
    EXPECT_GT(widths.size(), 1u);
  } else {
    EXPECT_EQ(*widths.begin(), c.source_width_px ? c.source_width_px : c.width_px);
  }
}

class Malformed : public testing::TestWithParam<const char*> {};

TEST_P(Malformed, EveryFileHasItsOutcome) {
  int checked = 0;
  for (const MediaCase& c : AllMediaCases()) {
    if (c.kind != GetParam()) continue;
    SCOPED_TRACE(c.file);
    const std::string bytes = ReadMedia(c.file);
    const auto start = Clock::now();
    c.kind == "image" ? CheckImage(c, bytes) : CheckVideo(c, bytes);
    EXPECT_LT(Clock::now() - start, std::chrono::seconds(kMaxSeconds));
    ++checked;
  }
  EXPECT_GE(checked, 70);
}

INSTANTIATE_TEST_SUITE_P(Kinds, Malformed, testing::Values("image", "video"),
                         [](const auto& kind) { return std::string(kind.param); });

// A picture is never taken for a clip nor the other way round, except GIF, which is both.
TEST(Malformed, KindsAreToldApart) {
  for (const MediaCase& c : AllMediaCases()) {
    SCOPED_TRACE(c.file);
    const std::string bytes = ReadMedia(c.file);
    if (!c.ok() || bytes.substr(0, 3) == "GIF") continue;
    if (c.kind == "image") {
      EXPECT_EQ(ReasonOf(ProbeVideo(bytes).status()), "VIDEO_UNSUPPORTED_CONTAINER");
    } else {
      EXPECT_EQ(ReasonOf(ProbeImage(bytes).status()), "IMAGE_UNSUPPORTED_FORMAT");
    }
  }
}

// Small limits, so that a mutated header can't make one case take long.
SampleOptions Frugal() {
  SampleOptions options;
  options.limits.max_long_side_px = options.limits.max_short_side_px = 512;
  options.limits.max_packets = 2000;
  options.limits.max_decoded_frames = 300;
  options.limits.max_wall_ms = 5000;
  options.policy.max_frames = 4;
  return options;
}

void DecodeAny(const std::string& bytes) {
  ImageLimits limits;
  limits.max_pixels = 1 << 20;
  auto image = DecodeImage(bytes, limits);
  EXPECT_TRUE(image.ok() || !ReasonOf(image.status()).empty()) << image.status();
  auto video = SampleFrames(bytes, Frugal());
  EXPECT_TRUE(video.ok() || !ReasonOf(video.status()).empty()) << video.status();
}

// Whatever bytes are changed, cut out or doubled, the outcome is a value or a status with a reason.
TEST(Malformed, MutatedFilesNeverCrash) {
  std::random_device seed_source;
  const unsigned seed = seed_source();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto& cases = AllMediaCases();
  for (int round = 0; round < 600; ++round) {
    const MediaCase& c = cases[random() % cases.size()];
    std::string bytes = ReadMedia(c.file);
    if (bytes.empty() || bytes.size() > 200'000) continue;
    const int changes = 1 + static_cast<int>(random() % 12);
    for (int i = 0; i < changes && !bytes.empty(); ++i) {
      // Headers are where a change matters most.
      const size_t reach = random() % 2 ? bytes.size() : std::min<size_t>(bytes.size(), 400);
      const size_t at = random() % reach;
      switch (random() % 4) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes[at] = random() % 2 ? '\xff' : '\0';
          break;
        case 2:
          bytes.erase(at, random() % 16);
          break;
        default:
          bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 16));
      }
    }
    SCOPED_TRACE(c.file);
    DecodeAny(bytes);
    if (HasFailure()) return;
  }
}

// A picture that ends early is refused wherever the cut is.
TEST(Malformed, NoPrefixOfAPictureDecodes) {
  for (const char* file : {"jpeg_baseline.jpg", "jpeg_progressive.jpg", "jpeg_exif_6.jpg",
                           "png_rgb8.png", "png_palette4_interlaced.png", "webp_lossless.webp",
                           "webp_lossy.webp", "webp_animated.webp", "gif_still.gif"}) {
    const std::string bytes = ReadMedia(file);
    // A GIF is whole without its trailer.
    const size_t whole = bytes.size() - (std::string(file) == "gif_still.gif" ? 2 : 0);
    for (size_t length = 0; length < whole; ++length) {
      auto image = DecodeImage(std::string_view(bytes).substr(0, length));
      ASSERT_FALSE(image.ok()) << file << " cut to " << length << " of " << bytes.size();
      ASSERT_EQ(image.status().code(), absl::StatusCode::kInvalidArgument);
    }
  }
}

// A clip that ends early is refused or gives frames of what is there; the times stay the same.
TEST(Malformed, PrefixesOfClipsAreSurvived) {
  for (const char* file :
       {"mov_plain.mov", "mov_index_last.mov", "mkv_plain.mkv", "gif_clip_endless_of_parts.gif",
        "clip_h264.ts", "clip_h264_fragmented.mp4"}) {
    const std::string bytes = ReadMedia(file);
    SampleOptions options = EveryFrame();
    options.limits.decoder_threads = 1;
    auto whole = SampleFrames(bytes, options);
    ASSERT_TRUE(whole.ok());
    for (size_t length = 1; length < bytes.size(); length += 1 + bytes.size() / 97) {
      auto part = SampleFrames(std::string_view(bytes).substr(0, length), options);
      if (!part.ok()) {
        ASSERT_EQ(part.status().code(), absl::StatusCode::kInvalidArgument) << part.status();
        continue;
      }
      ASSERT_LE(part->frames.size(), whole->frames.size()) << file;
    }
  }
}

}  // namespace
}  // namespace sightline
