#include "services/roles/media_limits.h"

#include <algorithm>
#include <limits>
#include <string>

#include "absl/strings/str_format.h"
#include "vision/decode.h"
#include "vision/video.h"

namespace sightline {
namespace {

Status TooManyPixels(int64_t width, int64_t height, const MediaLimits& limits) {
  if (width * height <= limits.max_image_pixels) return absl::OkStatus();
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "IMAGE_TOO_LARGE",
                         absl::StrFormat("the image is %dx%d pixels; at most %d in all are taken "
                                         "(limits.max_image_pixels)",
                                         width, height, limits.max_image_pixels));
}

Status TooLong(double duration_s, const MediaLimits& limits) {
  if (duration_s <= limits.max_video_s) return absl::OkStatus();
  return ErrorWithReason(
      absl::StatusCode::kInvalidArgument, "VIDEO_TOO_LONG",
      absl::StrFormat("the clip lasts %.4g seconds; at most %.4g are taken (limits.max_video_s)",
                      duration_s, limits.max_video_s));
}

}  // namespace

MediaLimits MediaLimitsOf(const ServerConfig& c) {
  return {c.max_image_pixels, c.max_message_mib << 20, c.max_video_s, c.max_decode_s,
          static_cast<int>(c.max_frames)};
}

MediaLimits Smaller(const MediaLimits& a, const MediaLimits& b) {
  return {std::min(a.max_image_pixels, b.max_image_pixels),
          std::min(a.max_video_bytes, b.max_video_bytes), std::min(a.max_video_s, b.max_video_s),
          std::min(a.max_decode_s, b.max_decode_s), std::min(a.max_frames, b.max_frames)};
}

VideoSampling Capped(VideoSampling asked, const ClipRule& rule, const MediaLimits& limits) {
  const int most = asked.max_frames > 0 ? asked.max_frames : rule.max_frames;
  // Left alone where it fits, so that one clip has one key.
  if (most > limits.max_frames) asked.max_frames = limits.max_frames;
  return asked;
}

Status CheckImageSize(std::string_view bytes, const MediaLimits& limits) {
  ImageLimits any;
  any.max_pixels = std::numeric_limits<int64_t>::max();
  auto info = ProbeImage(bytes, any);
  return info.ok() ? TooManyPixels(info->width_px(), info->height_px(), limits) : absl::OkStatus();
}

Status CheckClipLength(std::string_view bytes, const MediaLimits& limits) {
  VideoLimits any;
  any.max_file_bytes = limits.max_video_bytes;
  any.max_duration_ms = std::numeric_limits<int64_t>::max();
  any.max_wall_ms = static_cast<int64_t>(limits.max_decode_s * 1000);
  SL_ASSIGN_OR_RETURN(VideoInfo info, ProbeVideo(bytes, any));
  return TooLong(static_cast<double>(info.duration_ms) / 1000, limits);
}

Status CheckSizes(const EncodedMedia& media, const MediaLimits& limits) {
  return media.kind == MediaItem::Kind::kImage
             ? TooManyPixels(media.source_width_px, media.source_height_px, limits)
             : TooLong(media.duration_s, limits);
}

DecodeClock::DecodeClock(double limit_s, const MediaItem& item, const RequestContext& context)
    : limit_s_(limit_s),
      end_(absl::Now() + absl::Seconds(limit_s)),
      decoded_(item.kind != MediaItem::Kind::kVideo),
      caller_(context),
      item_(item),
      context_(context) {
  // Encoding has the request's deadline alone: the clock stops when the last frame is there.
  item_.progress = [this, told = item.progress](double share) {
    if (share >= 1) decoded_ = true;
    if (told) told(share);
  };
  context_.cancelled = [this] { return (caller_.cancelled && caller_.cancelled()) || Over(); };
}

Status DecodeClock::Explain(const Status& status) const {
  SL_RETURN_IF_ERROR(caller_.Check());
  const bool ended =
      status.code() == absl::StatusCode::kCancelled || ReasonOf(status) == "VIDEO_DECODE_BUDGET";
  if (ReasonOf(status) == "VIDEO_TOO_LONG")
    return ErrorWithReason(status.code(), "VIDEO_TOO_LONG",
                           std::string(status.message()) + " (limits.max_video_s)");
  if (!ended || !Over()) return status;
  return ErrorWithReason(
      absl::StatusCode::kResourceExhausted, "VIDEO_DECODE_BUDGET",
      absl::StrFormat("decoding the clip takes longer than %.4g seconds (limits.max_decode_s)",
                      limit_s_));
}

}  // namespace sightline
