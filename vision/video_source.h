// Private to vision/video*: a demuxer over bytes in memory with no way to reach anything else.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include "compute/base/status.h"
#include "vision/video.h"

namespace sightline::video_internal {

struct PacketDelete {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
using PacketPtr = std::unique_ptr<AVPacket, PacketDelete>;

// Time budget and cancellation of one call, shared by demuxing and decoding.
struct Watch {
  std::chrono::steady_clock::time_point end;
  const std::function<bool()>* cancelled = nullptr;

  bool Cancelled() const { return cancelled && *cancelled && (*cancelled)(); }
  bool Expired() const { return std::chrono::steady_clock::now() > end; }
  Status Check() const;  // Cancelled, VIDEO_DECODE_BUDGET or OK
};

// Owns the format context and its reader; `bytes` and `watch` must outlive it. One thread.
class VideoSource {
 public:
  static StatusOr<std::unique_ptr<VideoSource>> Open(std::string_view bytes,
                                                     const VideoLimits& limits, const Watch* watch);
  ~VideoSource();
  VideoSource(const VideoSource&) = delete;
  VideoSource& operator=(const VideoSource&) = delete;

  // Next packet of the video track; false at the end (or where the file stops making sense).
  StatusOr<bool> Next(AVPacket* packet);

  const AVStream* stream() const { return stream_; }
  const std::string& container() const { return container_; }
  int orientation() const { return orientation_; }
  bool has_audio() const { return has_audio_; }
  // Packets of the track that the index (MP4 only, else 0) names.
  int64_t indexed_packets() const;
  // When the last of them is decoded, in units of the stream; AV_NOPTS_VALUE without an index.
  int64_t last_indexed_dts() const;

 private:
  VideoSource() = default;
  Status OpenFormat(const char* demuxer);
  bool SizesAreInsideTheData() const;
  Status FindSizes();
  Status PickStream();
  static int Read(void* self, uint8_t* out, int count);
  static int64_t Seek(void* self, int64_t offset, int whence);

  std::string_view bytes_;
  size_t at_ = 0;
  VideoLimits limits_;
  const Watch* watch_ = nullptr;
  AVIOContext* io_ = nullptr;
  AVFormatContext* format_ = nullptr;
  AVStream* stream_ = nullptr;
  std::string container_;
  int orientation_ = 1;
  bool has_audio_ = false;
  int64_t packets_ = 0;
};

// What a decoder may reserve for one frame; it counts rows and columns padded to its blocks, so the
// sizes shown are checked again on each frame.
int64_t MaxCodedPixels(const VideoLimits& limits);

Status CheckVideoSize(int64_t width_px, int64_t height_px, const VideoLimits& limits);

}  // namespace sightline::video_internal
