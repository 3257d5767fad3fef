// Pictures whose every pixel is known, forms of one picture that must agree exactly, limits.
#include "vision/decode.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <thread>

#include "tests/vision/media_files.h"
#include "vision/decode_orientation.h"

namespace sightline {
namespace {

Image Decoded(std::string_view file) {
  auto image = DecodeImage(ReadMedia(file));
  EXPECT_TRUE(image.ok()) << file << ": " << image.status();
  return image.ok() ? image->image : Image();
}

void ExpectSame(const Image& a, const Image& b) {
  ASSERT_EQ(a.width_px, b.width_px);
  ASSERT_EQ(a.height_px, b.height_px);
  ASSERT_EQ(a.rgb.size(), b.rgb.size());
  EXPECT_TRUE(a.rgb == b.rgb);
}

Image RandomImage(int width_px, int height_px, unsigned seed) {
  std::mt19937 random(seed);
  Image image = MakeImage(width_px, height_px);
  for (uint8_t& v : image.rgb) v = static_cast<uint8_t>(random());
  return image;
}

std::string ReasonFor(std::string_view file, const ImageLimits& limits) {
  return ReasonOf(DecodeImage(ReadMedia(file), limits).status());
}

TEST(Decode, FormsOfOnePictureAgreeExactly) {
  const Image jpeg = Decoded("jpeg_baseline.jpg");
  for (const char* file : {"jpeg_progressive.jpg", "jpeg_restarts.jpg", "jpeg_trailing_bytes.jpg",
                           "jpeg_named_png.png", "jpeg_stray_bytes_between_segments.jpg"}) {
    SCOPED_TRACE(file);
    ExpectSame(Decoded(file), jpeg);
  }
  const Image exact = Decoded("png_rgb8.png");
  for (const char* file :
       {"png_rgb8_interlaced.png", "png_rgb16.png", "png_rgb16_interlaced.png", "png_apng.png",
        "png_palette8.png", "png_palette8_interlaced.png", "png_text_bomb.png",
        "webp_lossless.webp", "webp_animated.webp", "jpeg_rgb.jpg"}) {
    // The palette pictures of 8 bits hold all 24 colours.
    SCOPED_TRACE(file);
    ExpectSame(Decoded(file), exact);
  }
  for (const char* kind : {"grey1", "grey2", "grey4", "grey8", "grey16", "palette1", "palette2",
                           "palette4", "rgba8", "rgba16"}) {
    SCOPED_TRACE(kind);
    const std::string name = std::string("png_") + kind;
    ExpectSame(Decoded(name + "_interlaced.png"), Decoded(name + ".png"));
  }
  ExpectSame(Decoded("gif_interlaced.gif"), Decoded("gif_still.gif"));
  ExpectSame(Decoded("gif_local_palette.gif"), Decoded("gif_still.gif"));
}

TEST(Decode, ExifOrientationIsExactInEveryFormat) {
  const Image jpeg = Decoded("jpeg_exif_1.jpg"), png = Decoded("png_exif_1.png");
  for (int n = 1; n <= 8; ++n) {
    SCOPED_TRACE(n);
    const std::string number = std::to_string(n);
    ExpectSame(Decoded("jpeg_exif_" + number + ".jpg"), jpeg);
    ExpectSame(Decoded("jpeg_exif_" + number + "_big_endian.jpg"), jpeg);
    ExpectSame(Decoded("png_exif_" + number + ".png"), png);
    ExpectSame(Decoded("webp_exif_" + number + ".webp"), png);
    auto info = ProbeImage(ReadMedia("png_exif_" + number + ".png"));
    ASSERT_TRUE(info.ok());
    EXPECT_EQ(info->orientation, n);
    EXPECT_EQ(info->stored_width_px, n >= 5 ? 32 : 48);
    EXPECT_EQ(info->width_px(), 48);
  }
}

// Turning twice as the group of the square says gives the picture back.
TEST(Orientation, InversesUndo) {
  const int inverse[9] = {0, 1, 2, 3, 4, 5, 8, 7, 6};
  const Image image = RandomImage(23, 11, std::random_device{}());
  for (int n = 1; n <= 8; ++n) {
    SCOPED_TRACE(n);
    ExpectSame(ApplyOrientation(ApplyOrientation(image, n), inverse[n]), image);
  }
}

TEST(Orientation, PointsFollowPixels) {
  const Image stored = RandomImage(19, 7, std::random_device{}());
  for (int n = 1; n <= 8; ++n) {
    const Image upright = ApplyOrientation(stored, n);
    for (int y = 0; y < upright.height_px; ++y) {
      for (int x = 0; x < upright.width_px; ++x) {
        const auto [sx, sy] =
            UprightToStored(x + 0.5, y + 0.5, n, stored.width_px, stored.height_px);
        const uint8_t* at = stored.row(static_cast<int>(sy)) + static_cast<int>(sx) * 3;
        ASSERT_EQ(std::memcmp(upright.row(y) + x * 3, at, 3), 0) << n << ": " << x << "," << y;
      }
    }
  }
}

TEST(Decode, ProbeCountsFramesAndNamesTheFormat) {
  const std::pair<const char*, int> wanted[] = {{"gif_animated.gif", 5},   {"gif_still.gif", 1},
                                                {"webp_animated.webp", 3}, {"webp_lossy.webp", 1},
                                                {"png_apng.png", 2},       {"png_rgb8.png", 1},
                                                {"jpeg_baseline.jpg", 1}};
  for (const auto& [file, frames] : wanted) {
    auto info = ProbeImage(ReadMedia(file));
    ASSERT_TRUE(info.ok()) << file;
    EXPECT_EQ(info->frames, frames) << file;
    EXPECT_EQ(std::string(file).substr(0, 3), ImageFormatName(info->format).substr(0, 3)) << file;
  }
}

TEST(Decode, LimitsHoldAtTheirEdges) {
  for (const char* file : {"jpeg_baseline.jpg", "png_rgb8.png", "webp_lossless.webp"}) {
    SCOPED_TRACE(file);
    ImageLimits limits;
    limits.max_pixels = 48 * 32;
    limits.max_side_px = 48;
    limits.min_side_px = 32;
    limits.max_file_bytes = static_cast<int64_t>(ReadMedia(file).size());
    EXPECT_EQ(ReasonFor(file, limits), "");
    ImageLimits tight = limits;
    tight.max_pixels -= 1;
    EXPECT_EQ(ReasonFor(file, tight), "IMAGE_TOO_LARGE");
    tight = limits;
    tight.max_side_px -= 1;
    EXPECT_EQ(ReasonFor(file, tight), "IMAGE_TOO_LARGE");
    tight = limits;
    tight.min_side_px += 1;
    EXPECT_EQ(ReasonFor(file, tight), "IMAGE_TOO_SMALL");
    tight = limits;
    tight.max_file_bytes -= 1;
    EXPECT_EQ(ReasonFor(file, tight), "IMAGE_TOO_LARGE");
  }
}

TEST(Decode, MessagesNameTheSizeAndTheLimit) {
  const Status status = DecodeImage(ReadMedia("jpeg_65535x65535.jpg")).status();
  EXPECT_NE(status.message().find("65535x65535"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("64000000"), absl::string_view::npos) << status;
}

TEST(Decode, ThreadsDoNotDisturbEachOther) {
  const std::string files[] = {ReadMedia("jpeg_progressive.jpg"),
                               ReadMedia("png_rgba16_interlaced.png"), ReadMedia("webp_lossy.webp"),
                               ReadMedia("gif_full_code_table.gif"),
                               ReadMedia("jpeg_cut_at_0020.jpg")};
  std::vector<std::thread> threads;
  std::vector<int> failures(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const std::string& bytes = files[(t + i) % 5];
        auto first = DecodeImage(bytes), again = DecodeImage(bytes);
        failures[t] +=
            first.ok() != again.ok() || (first.ok() && first->image.rgb != again->image.rgb);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace sightline
