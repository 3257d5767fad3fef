#include "vision/video_source.h"

#include <algorithm>
#include <cstring>
#include <mutex>

extern "C" {
#include <libavutil/display.h>
#include <libavutil/mem.h>
}

#include "vision/decode_error.h"

namespace sightline::video_internal {
namespace {

constexpr int kIoBufferBytes = 64 << 10;
constexpr size_t kMaxSingleAllocationBytes = 512u << 20;
// Decoders we let FFmpeg open, by its names.
constexpr char kDecoders[] = "h264,hevc,vp8,vp9,libdav1d,libaom-av1,av1,mjpeg,mpeg4,gif";

void QuietFfmpegOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    av_log_set_level(AV_LOG_QUIET);
    av_max_alloc(kMaxSingleAllocationBytes);
  });
}

uint32_t Be32(std::string_view b, size_t at) {
  auto u = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(b[at + i])); };
  return u(0) << 24 | u(1) << 16 | u(2) << 8 | u(3);
}

// First box of `type` in a run of ISO boxes; empty view when absent. `found` tells the two apart.
std::string_view FindBox(std::string_view boxes, std::string_view type, bool* found) {
  *found = false;
  for (size_t at = 0; at + 8 <= boxes.size();) {
    uint64_t size = Be32(boxes, at), head = 8;
    if (size == 1) {
      if (boxes.size() - at < 16) break;
      size = static_cast<uint64_t>(Be32(boxes, at + 8)) << 32 | Be32(boxes, at + 12);
      head = 16;
    } else if (size == 0) {
      size = boxes.size() - at;
    }
    if (size < head) break;
    const uint64_t left = boxes.size() - at;
    if (boxes.substr(at + 4, 4) == type) {
      *found = true;
      return boxes.substr(at + head, std::min(size, left) - head);
    }
    if (size > left) break;
    at += size;
  }
  return {};
}

bool LooksLikeIsoMedia(std::string_view b) {
  if (b.size() < 8) return false;
  const std::string_view type = b.substr(4, 4);
  for (std::string_view known :
       {"ftyp", "moov", "mdat", "free", "skip", "wide", "styp", "moof", "pnot"}) {
    if (type == known) return true;
  }
  return false;
}

bool LooksLikeTransportStream(std::string_view b) {
  for (size_t stride : {188u, 192u, 204u}) {
    const size_t lead = stride == 192 ? 4 : 0;
    bool all = b.size() >= lead + stride * 3;
    for (size_t i = 0; all && i < 3; ++i) all = b[lead + i * stride] == 0x47;
    if (all) return true;
  }
  return false;
}

StatusOr<const char*> ChooseDemuxer(std::string_view b) {
  if (b.substr(0, 4) == "\x1a\x45\xdf\xa3") return "matroska";
  if (b.substr(0, 6) == "GIF87a" || b.substr(0, 6) == "GIF89a") return "gif";
  if (LooksLikeTransportStream(b)) return "mpegts";
  if (LooksLikeIsoMedia(b)) {
    bool moov = false, moof = false, compressed = false;
    std::string_view body = FindBox(b, "moov", &moov);
    FindBox(b, "moof", &moof);
    if (!moov) {
      return MediaError(
          "VIDEO_INDEX_MISSING",
          "the MP4 file has no index (moov box): it was cut off while being written or sent");
    }
    FindBox(body, "cmov", &compressed);  // inflates without a limit
    if (compressed)
      return MediaError("VIDEO_UNSUPPORTED_CONTAINER",
                        "MP4 files with a compressed index are not supported");
    return "mov";
  }
  return MediaError("VIDEO_UNSUPPORTED_CONTAINER",
                    "the bytes are not an MP4, MOV, Matroska, WebM, MPEG-TS or GIF file");
}

bool AllowedCodec(AVCodecID id) {
  switch (id) {
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
    case AV_CODEC_ID_VP8:
    case AV_CODEC_ID_VP9:
    case AV_CODEC_ID_AV1:
    case AV_CODEC_ID_MJPEG:
    case AV_CODEC_ID_MPEG4:
    case AV_CODEC_ID_GIF:
      return true;
    default:
      return false;
  }
}

// Quarter turns and flips of the display matrix as an EXIF orientation; any other matrix counts as
// none.
int OrientationOf(const AVStream* stream) {
  size_t size = 0;
  const uint8_t* side = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (!side || size < 9 * sizeof(int32_t)) return 1;
  int32_t m[9];
  std::memcpy(m, side, sizeof(m));
  auto sign = [](int32_t v) { return v > (1 << 14) ? 1 : v < -(1 << 14) ? -1 : 0; };
  const int a = sign(m[0]), b = sign(m[1]), c = sign(m[3]), d = sign(m[4]);
  // Shown (x', y') = (a x + c y, b x + d y).
  if (a && d && !b && !c) return a > 0 ? (d > 0 ? 1 : 4) : (d > 0 ? 2 : 3);
  if (b && c && !a && !d) return b > 0 ? (c > 0 ? 5 : 6) : (c > 0 ? 8 : 7);
  return 1;
}

int RefuseNestedOpen(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EACCES);
}

}  // namespace

Status Watch::Check() const {
  if (Cancelled()) return absl::CancelledError("the caller cancelled the request");
  if (Expired()) {
    return MediaBudgetError("VIDEO_DECODE_BUDGET",
                            "the video took longer to decode than a request is given");
  }
  return absl::OkStatus();
}

Status CheckVideoSize(int64_t width_px, int64_t height_px, const VideoLimits& limits) {
  const std::string size = std::to_string(width_px) + "x" + std::to_string(height_px) + " pixels";
  if (std::min(width_px, height_px) < limits.min_side_px) {
    return MediaError("VIDEO_TOO_SMALL", "the video is " + size + "; each side must be at least " +
                                             std::to_string(limits.min_side_px));
  }
  if (std::max(width_px, height_px) > limits.max_long_side_px ||
      std::min(width_px, height_px) > limits.max_short_side_px) {
    return MediaError("VIDEO_TOO_LARGE", "the video is " + size + "; the limit is " +
                                             std::to_string(limits.max_long_side_px) + "x" +
                                             std::to_string(limits.max_short_side_px));
  }
  return absl::OkStatus();
}

StatusOr<std::unique_ptr<VideoSource>> VideoSource::Open(std::string_view bytes,
                                                         const VideoLimits& limits,
                                                         const Watch* watch) {
  QuietFfmpegOnce();
  if (bytes.empty()) return MediaError("VIDEO_EMPTY", "the video has no bytes");
  if (static_cast<int64_t>(bytes.size()) > limits.max_file_bytes) {
    return MediaError("VIDEO_TOO_LARGE", "the video file is larger than " +
                                             std::to_string(limits.max_file_bytes) + " bytes");
  }
  SL_ASSIGN_OR_RETURN(const char* demuxer, ChooseDemuxer(bytes));
  std::unique_ptr<VideoSource> source(new VideoSource());
  source->bytes_ = bytes;
  source->limits_ = limits;
  source->watch_ = watch;
  SL_RETURN_IF_ERROR(source->OpenFormat(demuxer));
  SL_RETURN_IF_ERROR(source->PickStream());
  return source;
}

VideoSource::~VideoSource() {
  if (format_) avformat_close_input(&format_);
  if (io_) {
    av_freep(&io_->buffer);
    avio_context_free(&io_);
  }
}

Status VideoSource::OpenFormat(const char* demuxer) {
  const Status out_of_memory =
      MediaBudgetError("VIDEO_OUT_OF_MEMORY", "there is not enough memory to decode the video now");
  auto* buffer = static_cast<uint8_t*>(av_malloc(kIoBufferBytes));
  if (!buffer) return out_of_memory;
  io_ = avio_alloc_context(buffer, kIoBufferBytes, 0, this, Read, nullptr, Seek);
  if (!io_) {
    av_free(buffer);
    return out_of_memory;
  }
  format_ = avformat_alloc_context();
  if (!format_) return out_of_memory;
  format_->pb = io_;
  format_->io_open = RefuseNestedOpen;
  format_->protocol_whitelist = av_strdup("");
  format_->format_whitelist = av_strdup(demuxer);
  format_->codec_whitelist = av_strdup(kDecoders);
  format_->max_streams = 64;
  format_->interrupt_callback.opaque = const_cast<Watch*>(watch_);
  format_->interrupt_callback.callback = [](void* watch) -> int {
    const auto* w = static_cast<const Watch*>(watch);
    return w->Expired() || w->Cancelled();
  };
  container_ = demuxer;
  if (avformat_open_input(&format_, "", av_find_input_format(demuxer), nullptr) <
      0) {  // frees format_ on failure
    SL_RETURN_IF_ERROR(watch_->Check());
    return MediaError("VIDEO_CORRUPT", "the header of the video file is damaged");
  }
  if (container_ != "mpegts") return absl::OkStatus();
  // Only a transport stream has its tracks and sizes inside the data. Sizes stay capped while they
  // are looked for.
  format_->probesize = 4 << 20;
  std::vector<AVDictionary*> each(format_->nb_streams, nullptr);
  const std::string max_pixels =
      std::to_string(static_cast<int64_t>(limits_.max_long_side_px) * limits_.max_short_side_px);
  for (AVDictionary*& options : each) av_dict_set(&options, "max_pixels", max_pixels.c_str(), 0);
  avformat_find_stream_info(format_, each.empty() ? nullptr : each.data());
  for (AVDictionary*& options : each) av_dict_free(&options);
  return watch_->Check();
}

Status VideoSource::PickStream() {
  bool unsupported = false;
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    AVStream* s = format_->streams[i];
    s->discard = AVDISCARD_ALL;
    if (s->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) has_audio_ = true;
    if (s->codecpar->codec_type != AVMEDIA_TYPE_VIDEO ||
        (s->disposition & AV_DISPOSITION_ATTACHED_PIC))
      continue;
    const uint32_t tag = s->codecpar->codec_tag;
    if (tag == MKTAG('e', 'n', 'c', 'v') ||
        av_stream_get_side_data(s, AV_PKT_DATA_ENCRYPTION_INIT_INFO, nullptr)) {
      return MediaError("VIDEO_ENCRYPTED", "the video is encrypted");
    }
    if (!AllowedCodec(s->codecpar->codec_id)) {
      unsupported = true;
    } else if (!stream_) {
      stream_ = s;
    }
  }
  if (!stream_ && unsupported) {
    return MediaError(
        "VIDEO_UNSUPPORTED_CODEC",
        "the video's codec is not one of H.264, HEVC, VP8, VP9, AV1, MJPEG, MPEG-4 part 2, GIF");
  }
  if (!stream_) return MediaError("VIDEO_NO_VIDEO_TRACK", "the file has no video track");
  stream_->discard = AVDISCARD_DEFAULT;
  orientation_ = OrientationOf(stream_);
  return CheckVideoSize(stream_->codecpar->width, stream_->codecpar->height, limits_);
}

StatusOr<bool> VideoSource::Next(AVPacket* packet) {
  for (;;) {
    SL_RETURN_IF_ERROR(watch_->Check());
    av_packet_unref(packet);
    const int rc = av_read_frame(format_, packet);
    if (rc == AVERROR(EAGAIN)) continue;
    if (rc < 0) {
      SL_RETURN_IF_ERROR(watch_->Check());
      return false;
    }
    if (++packets_ > limits_.max_packets) {
      return MediaError(
          "VIDEO_TOO_MANY_FRAMES",
          "the video has more than " + std::to_string(limits_.max_packets) + " frames");
    }
    if (packet->stream_index != stream_->index) continue;
    if (packet->size > limits_.max_packet_bytes) {
      return MediaError("VIDEO_TOO_LARGE", "one frame of the video is larger than " +
                                               std::to_string(limits_.max_packet_bytes) + " bytes");
    }
    return true;
  }
}

int VideoSource::Read(void* self, uint8_t* out, int count) {
  auto* s = static_cast<VideoSource*>(self);
  const size_t take =
      std::min<size_t>(count < 0 ? 0 : static_cast<size_t>(count), s->bytes_.size() - s->at_);
  if (take == 0) return AVERROR_EOF;
  std::memcpy(out, s->bytes_.data() + s->at_, take);
  s->at_ += take;
  return static_cast<int>(take);
}

int64_t VideoSource::Seek(void* self, int64_t offset, int whence) {
  auto* s = static_cast<VideoSource*>(self);
  const int64_t size = static_cast<int64_t>(s->bytes_.size());
  whence &= ~AVSEEK_FORCE;
  if (whence == AVSEEK_SIZE) return size;
  const int64_t base = whence == SEEK_SET   ? 0
                       : whence == SEEK_CUR ? static_cast<int64_t>(s->at_)
                                            : size;
  if (offset > size || offset < -size) return AVERROR(EINVAL);
  const int64_t target = base + offset;
  if (target < 0 || target > size) return AVERROR(EINVAL);
  s->at_ = static_cast<size_t>(target);
  return target;
}

}  // namespace sightline::video_internal
