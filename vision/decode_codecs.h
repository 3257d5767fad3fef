// Private to vision/decode*: one function per format. Each gets bytes whose header already passed
// the limits, decodes at the stored orientation and checks that the sizes the codec sees are the
// sizes that were checked.
#pragma once

#include <cstdint>
#include <string_view>

#include "compute/base/status.h"
#include "vision/image.h"

namespace sightline::decode_internal {

// Header of each format; format and orientation are filled, limits are not yet applied.
absl::StatusOr<ImageInfo> ReadJpegHeader(std::string_view bytes);
absl::StatusOr<ImageInfo> ReadPngHeader(std::string_view bytes);
absl::StatusOr<ImageInfo> ReadWebpHeader(std::string_view bytes);
absl::StatusOr<ImageInfo> ReadGifHeader(std::string_view bytes);

absl::StatusOr<Image> DecodeJpeg(std::string_view bytes, const ImageInfo& info);
absl::StatusOr<Image> DecodePng(std::string_view bytes, const ImageInfo& info);
absl::StatusOr<Image> DecodeWebp(std::string_view bytes, const ImageInfo& info);
absl::StatusOr<Image> DecodeGif(std::string_view bytes, const ImageInfo& info);

absl::Status Truncated(std::string_view format);
absl::Status Corrupt(std::string_view format);

// RGBA row over white. rgba [width, 4] -> rgb [width, 3].
void CompositeOnWhite(const uint8_t* rgba, int width_px, uint8_t* rgb);

}  // namespace sightline::decode_internal
