// Any bytes -> frames in order of time and inside the limits, or a status with a reason.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "vision/video.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  sightline::SampleOptions options;
  options.policy.max_frames = 6;
  options.limits.max_long_side_px = options.limits.max_short_side_px = 512;
  options.limits.max_packets = 2000;
  options.limits.max_decoded_frames = 60;
  options.limits.max_wall_ms = 10'000;
  options.limits.decoder_threads = 1;
  auto video = sightline::SampleFrames(bytes, options);
  if (!video.ok()) {
    if (sightline::ReasonOf(video.status()).empty()) std::abort();
    return 0;
  }
  int64_t previous_ms = 0;
  for (const sightline::VideoFrame& frame : video->frames) {
    if (frame.timestamp_ms < previous_ms || frame.image.width_px > 512 ||
        frame.image.height_px > 512 ||
        frame.image.rgb.size() != frame.image.row_bytes() * frame.image.height_px) {
      std::abort();
    }
    previous_ms = frame.timestamp_ms;
  }
  if (video->frames.empty() || video->frames.size() > 6) std::abort();
  return 0;
}
