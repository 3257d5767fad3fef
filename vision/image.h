// Pictures as the vision folder passes them on: 8-bit RGB in host memory, and what a file said
// about itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sightline {

// Owned RGB8 picture, [height_px, width_px, 3], row-major, no padding between rows. Plain value:
// copy and move freely.
struct Image {
  int width_px = 0;
  int height_px = 0;
  std::vector<uint8_t> rgb;

  size_t row_bytes() const { return static_cast<size_t>(width_px) * 3; }
  const uint8_t* row(int y) const { return rgb.data() + static_cast<size_t>(y) * row_bytes(); }
  uint8_t* row(int y) { return rgb.data() + static_cast<size_t>(y) * row_bytes(); }
};

inline Image MakeImage(int width_px, int height_px) {
  Image image{width_px, height_px, {}};
  image.rgb.resize(static_cast<size_t>(width_px) * static_cast<size_t>(height_px) * 3);
  return image;
}

enum class ImageFormat { kUnknown, kJpeg, kPng, kWebp, kGif };

inline std::string_view ImageFormatName(ImageFormat format) {
  switch (format) {
    case ImageFormat::kJpeg:
      return "jpeg";
    case ImageFormat::kPng:
      return "png";
    case ImageFormat::kWebp:
      return "webp";
    case ImageFormat::kGif:
      return "gif";
    case ImageFormat::kUnknown:
      break;
  }
  return "unknown";
}

// What the header says. "Stored" sizes are as in the file; "upright" sizes are after `orientation`
// is applied, which is what viewers show, what DecodeImage returns and what every box in a reply
// refers to.
struct ImageInfo {
  ImageFormat format = ImageFormat::kUnknown;
  int stored_width_px = 0;
  int stored_height_px = 0;
  int frames = 1;       // 1 for a still; of an animation only the first frame is decoded
  int orientation = 1;  // EXIF value 1..8; 5..8 swap width and height

  int width_px() const { return orientation >= 5 ? stored_height_px : stored_width_px; }
  int height_px() const { return orientation >= 5 ? stored_width_px : stored_height_px; }
};

}  // namespace sightline
