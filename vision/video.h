// Bytes of a video file -> upright RGB frames at chosen times, each with its exact timestamp.
// MP4/MOV, Matroska/WebM, MPEG-TS and GIF, told apart by their bytes; codecs H.264, HEVC, VP8, VP9,
// AV1, MJPEG, MPEG-4 part 2 and GIF. FFmpeg reads from memory only: no protocol, playlist or second
// file can be opened.
//
// The file is read twice: once without decoding, to learn every packet's time and which are key
// frames; then only the stretches from a key frame to a wanted frame are decoded. Cost therefore
// follows the frames wanted, not the length.
//
// Time: timestamp_ms is the presentation time after the first frame (which is 0), rounded to 1 ms.
// A clock that jumps back is continued; a packet without a time gets one from its neighbours and
// the frame rate. Where all packets share one time, frames follow each other by the frame rate.
// Errors: VIDEO_EMPTY, VIDEO_UNSUPPORTED_CONTAINER, VIDEO_UNSUPPORTED_CODEC, VIDEO_NO_VIDEO_TRACK,
// VIDEO_INDEX_MISSING, VIDEO_ENCRYPTED, VIDEO_TOO_LARGE, VIDEO_TOO_SMALL, VIDEO_TOO_LONG,
// VIDEO_TOO_MANY_FRAMES, VIDEO_EMPTY_RANGE, VIDEO_CORRUPT (InvalidArgument); VIDEO_DECODE_BUDGET,
// VIDEO_OUT_OF_MEMORY (ResourceExhausted); Cancelled. Threads: calls may run at the same time on
// any threads. Callbacks run on the calling thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/base/status.h"
#include "vision/frame_rule.h"
#include "vision/image.h"

namespace sightline {

struct VideoLimits {
  int max_long_side_px = 7680, max_short_side_px = 4320, min_side_px = 4;
  int64_t max_file_bytes = 1ll << 30;
  int64_t max_duration_ms = 4ll * 3600 * 1000;
  // Declared or found, of all tracks: four hours of 60 frames a second with sound fit.
  int64_t max_packets = 2'000'000;
  int64_t max_packet_bytes = 64ll << 20;  // one compressed frame
  int64_t max_decoded_frames = 12'000;    // needed to reach the frames wanted
  int64_t max_wall_ms = 60'000;
  int decoder_threads = 2;
};

// kMiddles: n = clamp(ceil(seconds * fps), min_frames, max_frames) times (i + 0.5) * duration / n;
// of each the last frame that is not later. Two times on one frame give it once. Other rules count
// the frames (frame_rule.h). With a start or an end the duration is that of the part between them;
// a start at or after the clip's end is VIDEO_EMPTY_RANGE.
struct SamplePolicy {
  double fps = 2;
  int min_frames = 4, max_frames = 32;
  FrameRule rule = FrameRule::kMiddles;
  int multiple = 1;                  // kStride
  int64_t start_ms = 0, end_ms = 0;  // the part looked at; an end of 0 is the clip's end
  int max_side_px =
      1280;  // larger frames are reduced (area average), which bounds memory; 0 keeps them
};

struct VideoInfo {
  std::string container, codec;
  int width_px = 0, height_px = 0;  // upright, as declared
  int orientation = 1;              // as in EXIF, from the display matrix
  int64_t duration_ms = 0;
  int64_t frame_count = 0;
  double fps = 0;  // mean
  bool has_audio = false;
  bool cut_off = false;    // an MP4 whose index names frames that the file no longer holds
  int64_t missing_ms = 0;  // of a clip that is cut off: how much longer it is by its index
};

struct VideoFrame {
  Image image;  // upright
  int64_t timestamp_ms = 0;
  int source_width_px = 0,
      source_height_px = 0;  // upright, before max_side_px; may change from frame to frame
  bool damaged = false;      // errors were concealed in it, or in a frame since the last key frame
};

struct SampledVideo {
  VideoInfo info;
  std::vector<VideoFrame> frames;  // ascending times, at least one
  int64_t decoded_frames = 0;
  // More than frames.size() when some could not be decoded, or show nothing of their own.
  int wanted_frames = 0;
  int lost_frames = 0;     // of those wanted: errors kept them from being decoded
  int64_t missing_ms = 0;  // of the part asked for: at its end, cut off
};

struct VideoProgress {
  int64_t packets_done = 0, packets_total = 0;
  int frames_done = 0, frames_total = 0;
};

struct SampleOptions {
  SamplePolicy policy;
  VideoLimits limits;
  std::function<bool()> cancelled;  // polled at least once a packet; may be empty
  std::function<void(const VideoProgress&)> progress;
};

// By the first bytes: worth trying as a video. A GIF is an image first.
bool LooksLikeVideo(std::string_view bytes);
StatusOr<VideoInfo> ProbeVideo(std::string_view bytes, const VideoLimits& limits = {});
StatusOr<SampledVideo> SampleFrames(std::string_view bytes, const SampleOptions& options = {});

}  // namespace sightline
