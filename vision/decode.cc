#include "vision/decode.h"

#include <new>
#include <string>

#include "vision/decode_codecs.h"
#include "vision/decode_error.h"
#include "vision/decode_orientation.h"

namespace sightline {
namespace decode_internal {

absl::Status Truncated(std::string_view format) {
  return MediaError("IMAGE_TRUNCATED",
                    "the " + std::string(format) + " file ends before its picture does");
}

absl::Status Corrupt(std::string_view format) {
  return MediaError("IMAGE_CORRUPT",
                    "the " + std::string(format) + " file is damaged and can't be decoded");
}

void CompositeOnWhite(const uint8_t* rgba, int width_px, uint8_t* rgb) {
  for (int x = 0; x < width_px; ++x, rgba += 4, rgb += 3) {
    const unsigned alpha = rgba[3];
    for (int c = 0; c < 3; ++c) {
      rgb[c] = static_cast<uint8_t>((rgba[c] * alpha + 255u * (255u - alpha) + 127u) / 255u);
    }
  }
}

}  // namespace decode_internal

namespace {

absl::Status CheckLimits(const ImageInfo& info, const ImageLimits& limits) {
  const int64_t w = info.stored_width_px, h = info.stored_height_px;
  const std::string size = std::to_string(w) + "x" + std::to_string(h) + " pixels";
  if (w < limits.min_side_px || h < limits.min_side_px) {
    return MediaError("IMAGE_TOO_SMALL", "the image is " + size + "; each side must be at least " +
                                             std::to_string(limits.min_side_px));
  }
  if (w > limits.max_side_px || h > limits.max_side_px || w * h > limits.max_pixels) {
    return MediaError("IMAGE_TOO_LARGE", "the image is " + size + "; the limit is " +
                                             std::to_string(limits.max_side_px) + " a side and " +
                                             std::to_string(limits.max_pixels) + " in all");
  }
  return absl::OkStatus();
}

absl::StatusOr<ImageInfo> ReadHeader(std::string_view bytes) {
  switch (SniffImageFormat(bytes)) {
    case ImageFormat::kJpeg:
      return decode_internal::ReadJpegHeader(bytes);
    case ImageFormat::kPng:
      return decode_internal::ReadPngHeader(bytes);
    case ImageFormat::kWebp:
      return decode_internal::ReadWebpHeader(bytes);
    case ImageFormat::kGif:
      return decode_internal::ReadGifHeader(bytes);
    case ImageFormat::kUnknown:
      break;
  }
  return MediaError("IMAGE_UNSUPPORTED_FORMAT", "the bytes are not a JPEG, PNG, WebP or GIF file");
}

absl::StatusOr<Image> DecodeStored(std::string_view bytes, const ImageInfo& info) {
  switch (info.format) {
    case ImageFormat::kJpeg:
      return decode_internal::DecodeJpeg(bytes, info);
    case ImageFormat::kPng:
      return decode_internal::DecodePng(bytes, info);
    case ImageFormat::kWebp:
      return decode_internal::DecodeWebp(bytes, info);
    default:
      return decode_internal::DecodeGif(bytes, info);
  }
}

}  // namespace

ImageFormat SniffImageFormat(std::string_view bytes) {
  if (bytes.substr(0, 3) == "\xff\xd8\xff") return ImageFormat::kJpeg;
  if (bytes.substr(0, 8) == "\x89PNG\r\n\x1a\n") return ImageFormat::kPng;
  if (bytes.size() >= 12 && bytes.substr(0, 4) == "RIFF" && bytes.substr(8, 4) == "WEBP") {
    return ImageFormat::kWebp;
  }
  if (bytes.substr(0, 6) == "GIF87a" || bytes.substr(0, 6) == "GIF89a") return ImageFormat::kGif;
  return ImageFormat::kUnknown;
}

absl::StatusOr<ImageInfo> ProbeImage(std::string_view bytes, const ImageLimits& limits) {
  if (bytes.empty()) return MediaError("IMAGE_EMPTY", "the image has no bytes");
  if (static_cast<int64_t>(bytes.size()) > limits.max_file_bytes) {
    return MediaError("IMAGE_TOO_LARGE", "the image file is larger than " +
                                             std::to_string(limits.max_file_bytes) + " bytes");
  }
  auto info = ReadHeader(bytes);
  if (!info.ok()) return info.status();
  absl::Status within = CheckLimits(*info, limits);
  if (!within.ok()) return within;
  return info;
}

absl::StatusOr<DecodedImage> DecodeImage(std::string_view bytes, const ImageLimits& limits) {
  auto info = ProbeImage(bytes, limits);
  if (!info.ok()) return info.status();
  try {
    auto stored = DecodeStored(bytes, *info);
    if (!stored.ok()) return stored.status();
    return DecodedImage{ApplyOrientation(*std::move(stored), info->orientation), *info};
  } catch (const std::bad_alloc&) {
    return MediaBudgetError("IMAGE_OUT_OF_MEMORY",
                            "there is not enough memory to decode the image now");
  }
}

}  // namespace sightline
