#include "vision/video_decoder.h"

#include <algorithm>

#include "vision/decode_error.h"

namespace sightline::video_internal {
namespace {

Status OutOfMemory() {
  return MediaBudgetError("VIDEO_OUT_OF_MEMORY",
                          "there is not enough memory to decode the video now");
}

const AVCodec* FindDecoder(AVCodecID id) {
  // FFmpeg's own av1 decoder works only with hardware.
  if (id == AV_CODEC_ID_AV1) {
    const AVCodec* dav1d = avcodec_find_decoder_by_name("libdav1d");
    return dav1d ? dav1d : avcodec_find_decoder_by_name("libaom-av1");
  }
  for (const char* name : {"h264", "hevc", "vp8", "vp9", "mjpeg", "mpeg4", "gif"}) {
    const AVCodec* codec = avcodec_find_decoder_by_name(name);
    if (codec && codec->id == id) return codec;
  }
  return nullptr;
}

}  // namespace

StatusOr<VideoDecoder> VideoDecoder::Open(const AVStream* stream, int reorder_depth,
                                          const VideoLimits& limits) {
  const AVCodec* codec = FindDecoder(stream->codecpar->codec_id);
  if (!codec)
    return MediaError("VIDEO_UNSUPPORTED_CODEC",
                      "this server has no decoder for the video's codec");
  VideoDecoder decoder;
  decoder.codec_.reset(avcodec_alloc_context3(codec));
  decoder.frame_.reset(av_frame_alloc());
  AVCodecContext* c = decoder.codec_.get();
  if (!c || !decoder.frame_) return OutOfMemory();
  if (avcodec_parameters_to_context(c, stream->codecpar) < 0) {
    return MediaError("VIDEO_CORRUPT", "the parameters of the video track are damaged");
  }
  if (codec->id == AV_CODEC_ID_H264) c->has_b_frames = std::max(c->has_b_frames, reorder_depth);
  // Else H.264 drops sound frames after a key frame that is no IDR; the caller knows better.
  c->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
  c->pkt_timebase = stream->time_base;
  c->max_pixels = MaxCodedPixels(limits);
  c->thread_count = std::max(1, limits.decoder_threads);
  if (avcodec_open2(c, codec, nullptr) < 0) {
    return MediaError("VIDEO_CORRUPT", "the parameters of the video track are damaged");
  }
  return decoder;
}

Status VideoDecoder::Feed(AVPacket* packet, int64_t ordinal, bool essential,
                          const FrameSink& sink) {
  packet->pts = packet->dts = ordinal;
  codec_->skip_frame = essential ? AVDISCARD_DEFAULT : AVDISCARD_NONREF;
  for (int tries = 0; tries < 2; ++tries) {
    const int rc = avcodec_send_packet(codec_.get(), packet);
    if (rc == AVERROR(ENOMEM)) return OutOfMemory();
    if (rc < 0 && rc != AVERROR(EAGAIN) && packet->size > 0) ++refusals_;
    SL_RETURN_IF_ERROR(Receive(sink));
    if (rc != AVERROR(EAGAIN)) break;
  }
  return absl::OkStatus();
}

Status VideoDecoder::Finish(const FrameSink& sink) {
  avcodec_send_packet(codec_.get(), nullptr);
  Status status = Receive(sink);
  avcodec_flush_buffers(codec_.get());
  return status;
}

Status VideoDecoder::Receive(const FrameSink& sink) {
  // A decoder that only ever errs must not hold us here.
  for (int errors = 0; errors < 64;) {
    const int rc = avcodec_receive_frame(codec_.get(), frame_.get());
    if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF) break;
    if (rc == AVERROR(ENOMEM)) return OutOfMemory();
    if (rc < 0) {
      ++errors;
      ++refusals_;
      continue;
    }
    Status status = sink(frame_.get());
    av_frame_unref(frame_.get());
    SL_RETURN_IF_ERROR(status);
  }
  return absl::OkStatus();
}

}  // namespace sightline::video_internal
