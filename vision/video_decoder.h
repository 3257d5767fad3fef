// Private to vision/video*: one decoder, fed packets that carry their ordinal as time; frames come
// back with it.
#pragma once

#include <functional>
#include <memory>

#include "vision/video_source.h"

namespace sightline::video_internal {

struct FrameDelete {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
using FramePtr = std::unique_ptr<AVFrame, FrameDelete>;

struct CodecDelete {
  void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
};

// Gets each decoded frame in presentation order; frame->pts is the ordinal of its packet.
using FrameSink = std::function<Status(AVFrame* frame)>;

class VideoDecoder {
 public:
  // `reorder_depth` is how many frames H.264 may have to hold back to put them in order; streams
  // need not say so themselves.
  static StatusOr<VideoDecoder> Open(const AVStream* stream, int reorder_depth,
                                     const VideoLimits& limits);

  // Damage is not an error here: a packet the decoder refuses is skipped and counted. `essential`
  // false lets the decoder drop the frame when no other depends on it.
  Status Feed(AVPacket* packet, int64_t ordinal, bool essential, const FrameSink& sink);
  // Takes out what the decoder still holds and makes it ready for another stretch.
  Status Finish(const FrameSink& sink);
  // How often it refused what it was fed; those of a frame are counted before a later one comes.
  int64_t refusals() const { return refusals_; }

 private:
  Status Receive(const FrameSink& sink);
  std::unique_ptr<AVCodecContext, CodecDelete> codec_;
  FramePtr frame_;
  int64_t refusals_ = 0;
};

// Frame -> upright RGB, reduced to max_side_px when positive. Sizes are held against the limits
// again, because a stream may change them on the way.
StatusOr<VideoFrame> ConvertFrame(const AVFrame* frame, int orientation, int max_side_px,
                                  const VideoLimits& limits);

}  // namespace sightline::video_internal
