// Bytes of an image file -> upright RGB pixels. JPEG, PNG, WebP and GIF, told apart by their bytes
// alone: a MIME type or file name is never believed. Sizes are read from the header and held
// against the limits before any pixel exists.
//
// What comes out: EXIF orientation applied; alpha composited on white; 16-bit channels rounded to
// 8; grey and palette expanded; CMYK converted the plain way (R = C*K/255 in Adobe's inverted
// convention); of an animation the first frame. A file that ends early is refused, never shown half
// grey. Bytes after the end of the picture are ignored.
//
// Errors (reason in the status payload, see decode_error.h): IMAGE_EMPTY, IMAGE_UNSUPPORTED_FORMAT,
// IMAGE_TOO_LARGE, IMAGE_TOO_SMALL, IMAGE_TRUNCATED, IMAGE_CORRUPT (all InvalidArgument);
// IMAGE_OUT_OF_MEMORY (ResourceExhausted). Threads: all functions may run at the same time on any
// threads; nothing is shared.
#pragma once

#include <cstdint>
#include <string_view>

#include "compute/base/status.h"
#include "vision/image.h"

namespace sightline {

struct ImageLimits {
  int64_t max_pixels = 64'000'000;
  int max_side_px = 16'384;
  // Smaller pictures can't be said to show anything, and such sizes have stopped other servers.
  int min_side_px = 4;
  int64_t max_file_bytes = 256ll << 20;
};

struct DecodedImage {
  Image image;  // upright
  ImageInfo info;
};

ImageFormat SniffImageFormat(std::string_view bytes);

// Reads the header only. Cost is bounded by the number of blocks in the file, not by its pixels.
absl::StatusOr<ImageInfo> ProbeImage(std::string_view bytes, const ImageLimits& limits = {});

absl::StatusOr<DecodedImage> DecodeImage(std::string_view bytes, const ImageLimits& limits = {});

}  // namespace sightline
