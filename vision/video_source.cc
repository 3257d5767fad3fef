#include "vision/video_source.h"

#include <algorithm>
#include <cstring>
#include <mutex>

extern "C" {
#include <libavutil/display.h>
#include <libavutil/mem.h>
}

#include "vision/decode_error.h"
#include "vision/video_boxes.h"

namespace sightline::video_internal {
namespace {

constexpr int kIoBufferBytes = 64 << 10;
// An 8K frame of 4:4:4 in 12 bits takes 199 MB.
constexpr size_t kMaxSingleAllocationBytes = 256u << 20;
// Decoders we let FFmpeg open, by its names.
constexpr char kDecoders[] = "h264,hevc,vp8,vp9,libdav1d,libaom-av1,av1,mjpeg,mpeg4,gif";

void QuietFfmpegOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    av_log_set_level(AV_LOG_QUIET);
    av_max_alloc(kMaxSingleAllocationBytes);
  });
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

// A recording may begin inside a packet, so the first sync byte can lie anywhere in one; it then
// takes more of them to be sure.
bool LooksLikeTransportStream(std::string_view b) {
  for (size_t stride : {188u, 192u, 204u}) {
    for (size_t lead = 0; lead < stride; ++lead) {
      const size_t syncs = lead == 0 || (stride == 192 && lead == 4) ? 3 : 8;
      bool all = b.size() > lead + stride * (syncs - 1);
      for (size_t i = 0; all && i < syncs; ++i) all = b[lead + i * stride] == 0x47;
      if (all) return true;
    }
  }
  return false;
}

Status Encrypted() { return MediaError("VIDEO_ENCRYPTED", "the video is encrypted"); }

bool IsMatroska(std::string_view b) { return b.substr(0, 4) == "\x1a\x45\xdf\xa3"; }

StatusOr<const char*> ChooseDemuxer(std::string_view b, const VideoLimits& limits) {
  if (IsMatroska(b)) return "matroska";
  if (b.substr(0, 6) == "GIF87a" || b.substr(0, 6) == "GIF89a") return "gif";
  if (LooksLikeTransportStream(b)) return "mpegts";
  if (LooksLikeIsoMedia(b)) {
    const auto index = FindBox(b, "moov");
    if (!index) {
      return MediaError(
          "VIDEO_INDEX_MISSING",
          "the MP4 file has no index (moov box): it was cut off while being written or sent");
    }
    if (FindBox(*index, "cmov"))  // inflates without a limit
      return MediaError("VIDEO_UNSUPPORTED_CONTAINER",
                        "MP4 files with a compressed index are not supported");
    // The kind of sample entry that stands for an encrypted one; demuxers see through it.
    if (index->find("encv") != index->npos) return Encrypted();
    SL_RETURN_IF_ERROR(CheckIsoTables(b, limits));
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

int64_t MaxCodedPixels(const VideoLimits& limits) {
  constexpr int64_t kPadding = 128;
  return (limits.max_long_side_px + kPadding) * (limits.max_short_side_px + kPadding);
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
  SL_ASSIGN_OR_RETURN(const char* demuxer, ChooseDemuxer(bytes, limits));
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
  Status out_of_memory =
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
  return SizesAreInsideTheData() ? FindSizes() : absl::OkStatus();
}

// A transport stream says nothing of its tracks outside the data, nor does MPEG-4 part 2 of its
// size.
bool VideoSource::SizesAreInsideTheData() const {
  if (container_ == "mpegts") return true;
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    const AVCodecParameters* shape = format_->streams[i]->codecpar;
    if (shape->codec_id == AV_CODEC_ID_MPEG4 && shape->width == 0) return true;
  }
  return false;
}

// Sizes stay capped while they are looked for.
Status VideoSource::FindSizes() {
  format_->probesize = 4 << 20;
  std::vector<AVDictionary*> each(format_->nb_streams, nullptr);
  const std::string max_pixels = std::to_string(MaxCodedPixels(limits_));
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
    if (av_stream_get_side_data(s, AV_PKT_DATA_ENCRYPTION_INIT_INFO, nullptr) ||
        av_dict_get(s->metadata, "enc_key_id", nullptr, 0)) {  // Matroska
      return Encrypted();
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
  const AVCodecParameters* shape = stream_->codecpar;
  if (container_ == "mpegts" && (shape->width <= 0 || shape->height <= 0))
    return MediaError("VIDEO_CORRUPT", "the video has no frame that says its size");
  return CheckVideoSize(shape->width, shape->height, limits_);
}

int64_t VideoSource::indexed_packets() const {
  if (container_ != "mov") return 0;
  int64_t packets = 0;
  for (int i = 0; i < avformat_index_get_entries_count(stream_); ++i)
    packets += avformat_index_get_entry(stream_, i)->size > 0;  // empty ones are never read
  return packets;
}

int64_t VideoSource::last_indexed_dts() const {
  const int count = container_ == "mov" ? avformat_index_get_entries_count(stream_) : 0;
  const AVIndexEntry* last = count > 0 ? avformat_index_get_entry(stream_, count - 1) : nullptr;
  return last ? last->timestamp : AV_NOPTS_VALUE;
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
    if (av_packet_get_side_data(packet, AV_PKT_DATA_ENCRYPTION_INFO, nullptr)) return Encrypted();
    if (packet->size > limits_.max_packet_bytes) {
      return MediaError("VIDEO_TOO_LARGE", "one frame of the video is larger than " +
                                               std::to_string(limits_.max_packet_bytes) + " bytes");
    }
    return true;
  }
}

int VideoSource::Read(void* self, uint8_t* out, int count) {
  auto* s = static_cast<VideoSource*>(self);
  if (s->watch_ && (s->watch_->Expired() || s->watch_->Cancelled())) return AVERROR_EXIT;
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

namespace sightline {

bool LooksLikeVideo(std::string_view bytes) {
  return video_internal::IsMatroska(bytes) || video_internal::LooksLikeTransportStream(bytes) ||
         video_internal::LooksLikeIsoMedia(bytes);
}

}  // namespace sightline
