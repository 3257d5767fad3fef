// Headers of the four formats, read without their libraries: sizes, number of frames, EXIF
// orientation. Every read is checked against the end of the bytes.
#include <algorithm>
#include <cstdint>

#include "vision/decode_codecs.h"
#include "vision/decode_error.h"
#include "vision/decode_orientation.h"

namespace sightline::decode_internal {
namespace {

uint32_t Byte(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }
uint32_t Be16(std::string_view bytes, size_t at) {
  return Byte(bytes, at) << 8 | Byte(bytes, at + 1);
}
uint32_t Le16(std::string_view bytes, size_t at) {
  return Byte(bytes, at) | Byte(bytes, at + 1) << 8;
}
uint32_t Be32(std::string_view bytes, size_t at) {
  return Be16(bytes, at) << 16 | Be16(bytes, at + 2);
}
uint32_t Le32(std::string_view bytes, size_t at) {
  return Le16(bytes, at) | Le16(bytes, at + 2) << 16;
}
uint32_t Le24(std::string_view bytes, size_t at) {
  return Le16(bytes, at) | Byte(bytes, at + 2) << 16;
}

// Sizes beyond int are impossible for a picture we would take; keep them as a large value for the
// limit to refuse.
int ToSide(uint32_t value) { return value > 0x7fffffff ? 0x7fffffff : static_cast<int>(value); }

bool IsStartOfFrame(uint32_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

// Skips a chain of GIF sub-blocks that starts at `at`; returns the position after it, or npos past
// the end.
size_t SkipGifBlocks(std::string_view bytes, size_t at) {
  while (at < bytes.size()) {
    size_t length = Byte(bytes, at);
    at += 1 + length;
    if (length == 0) return at;
  }
  return std::string_view::npos;
}

}  // namespace

absl::StatusOr<ImageInfo> ReadJpegHeader(std::string_view bytes) {
  ImageInfo info{ImageFormat::kJpeg};
  size_t at = 2;
  for (;;) {
    while (at < bytes.size() && Byte(bytes, at) != 0xff)
      ++at;  // stray bytes between segments, as libjpeg tolerates
    while (at < bytes.size() && Byte(bytes, at) == 0xff) ++at;
    if (at >= bytes.size()) return Truncated("JPEG");
    uint32_t marker = Byte(bytes, at++);
    if (marker == 0 || marker == 1 || (marker >= 0xd0 && marker <= 0xd8)) continue;
    if (marker == 0xd9 || marker == 0xda)
      return Corrupt("JPEG");  // end or scan before any frame header
    if (bytes.size() - at < 2) return Truncated("JPEG");
    size_t length = Be16(bytes, at);
    if (length < 2) return Corrupt("JPEG");
    if (bytes.size() - at < length) return Truncated("JPEG");
    std::string_view body = bytes.substr(at + 2, length - 2);
    if (marker == 0xe1 && body.substr(0, 6) == std::string_view("Exif\0\0", 6)) {
      info.orientation = ReadExifOrientation(body.substr(6));
    } else if (IsStartOfFrame(marker)) {
      if (body.size() < 6) return Corrupt("JPEG");
      info.stored_height_px = ToSide(Be16(body, 1));
      info.stored_width_px = ToSide(Be16(body, 3));
      return info;
    }
    at += length;
  }
}

absl::StatusOr<ImageInfo> ReadPngHeader(std::string_view bytes) {
  ImageInfo info{ImageFormat::kPng};
  if (bytes.size() < 8 + 12 + 13) return Truncated("PNG");
  if (bytes.substr(12, 4) != "IHDR" || Be32(bytes, 8) != 13) return Corrupt("PNG");
  info.stored_width_px = ToSide(Be32(bytes, 16));
  info.stored_height_px = ToSide(Be32(bytes, 20));
  // Walk the chunk headers: the orientation may stand before or after the pixels, and a file
  // without IEND was cut off.
  for (size_t at = 8; bytes.size() - at >= 12;) {
    size_t length = Be32(bytes, at);
    std::string_view type = bytes.substr(at + 4, 4);
    if (length > bytes.size() - at - 12) return Truncated("PNG");
    std::string_view body = bytes.substr(at + 8, length);
    if (type == "IEND") return info;
    if (type == "eXIf") info.orientation = ReadExifOrientation(body);
    if (type == "acTL" && length >= 4) info.frames = std::max(1, ToSide(Be32(body, 0)));
    at += 12 + length;
  }
  return Truncated("PNG");
}

absl::StatusOr<ImageInfo> ReadWebpHeader(std::string_view bytes) {
  ImageInfo info{ImageFormat::kWebp};
  if (bytes.size() < 30) return Truncated("WebP");
  std::string_view type = bytes.substr(12, 4);
  if (type == "VP8X") {
    info.stored_width_px = ToSide(Le24(bytes, 24) + 1);
    info.stored_height_px = ToSide(Le24(bytes, 27) + 1);
  } else if (type == "VP8L") {
    if (Byte(bytes, 20) != 0x2f) return Corrupt("WebP");
    uint32_t bits = Le32(bytes, 21);
    info.stored_width_px = ToSide((bits & 0x3fff) + 1);
    info.stored_height_px = ToSide((bits >> 14 & 0x3fff) + 1);
  } else if (type == "VP8 ") {
    if (Byte(bytes, 23) != 0x9d || Byte(bytes, 24) != 0x01 || Byte(bytes, 25) != 0x2a)
      return Corrupt("WebP");
    info.stored_width_px = ToSide(Le16(bytes, 26) & 0x3fff);
    info.stored_height_px = ToSide(Le16(bytes, 28) & 0x3fff);
  } else {
    return Corrupt("WebP");
  }
  int animation_frames = 0;
  size_t riff_end = std::min<size_t>(bytes.size(), static_cast<size_t>(Le32(bytes, 4)) + 8);
  for (size_t at = 12; riff_end >= at && riff_end - at >= 8;) {
    size_t length = Le32(bytes, at + 4);
    std::string_view chunk = bytes.substr(at, 4);
    if (length > riff_end - at - 8) return Truncated("WebP");
    std::string_view body = bytes.substr(at + 8, length);
    if (chunk == "EXIF") {
      if (body.substr(0, 6) == std::string_view("Exif\0\0", 6)) body.remove_prefix(6);
      info.orientation = ReadExifOrientation(body);
    }
    if (chunk == "ANMF") ++animation_frames;
    at += 8 + length + (length & 1);
  }
  info.frames = std::max(1, animation_frames);
  return info;
}

absl::StatusOr<ImageInfo> ReadGifHeader(std::string_view bytes) {
  ImageInfo info{ImageFormat::kGif};
  if (bytes.size() < 13) return Truncated("GIF");
  info.stored_width_px = ToSide(Le16(bytes, 6));
  info.stored_height_px = ToSide(Le16(bytes, 8));
  info.frames = 0;
  bool ended = false;
  size_t at = 13;
  if (Byte(bytes, 10) & 0x80) at += static_cast<size_t>(3) << ((Byte(bytes, 10) & 7) + 1);
  while (at < bytes.size()) {
    uint32_t block = Byte(bytes, at++);
    ended = block == 0x3b;
    if (ended) break;
    if (block == 0x21) {
      at = SkipGifBlocks(bytes, at + 1);
    } else if (block == 0x2c) {
      if (bytes.size() - at < 10) break;
      uint32_t flags = Byte(bytes, at + 8);
      at += 9 + (flags & 0x80 ? static_cast<size_t>(3) << ((flags & 7) + 1) : 0) + 1;
      at = SkipGifBlocks(bytes, at);
      if (at != std::string_view::npos) ++info.frames;
    } else {
      break;  // a later frame may be damaged; the first is what counts
    }
  }
  if (info.frames == 0) return ended ? Corrupt("GIF") : Truncated("GIF");
  return info;
}

}  // namespace sightline::decode_internal
