// Any bytes -> a picture whose sizes agree with its header, or a status with a reason.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "vision/decode.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  sightline::ImageLimits limits;
  limits.max_pixels = 1 << 18;
  limits.max_side_px = 4096;
  auto image = sightline::DecodeImage(bytes, limits);
  auto info = sightline::ProbeImage(bytes, limits);
  if (!image.ok()) {
    if (sightline::ReasonOf(image.status()).empty()) std::abort();
    return 0;
  }
  if (!info.ok() || image->image.width_px != info->width_px() ||
      image->image.height_px != info->height_px() ||
      image->image.rgb.size() != image->image.row_bytes() * image->image.height_px) {
    std::abort();
  }
  return 0;
}
