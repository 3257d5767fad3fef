// The part of the vision pipeline that needs decoders: bytes of a file to frames.
#include <algorithm>

#include "fusion/vision_pipeline.h"
#include "vision/decode.h"
#include "vision/video.h"

namespace sightline {
namespace {

SampleOptions Sampling(const MediaItem& item, const ClipRule& rule, const MediaLimits& limits,
                       const RequestContext& context) {
  SampleOptions o;
  const VideoSampling& s = item.sampling;
  o.policy.fps = s.frames_per_second > 0 ? s.frames_per_second : rule.frames_per_second;
  o.policy.min_frames = rule.min_frames;
  o.policy.rule = rule.rule;
  o.policy.multiple = rule.multiple;
  o.policy.max_frames =
      std::min(s.max_frames > 0 ? s.max_frames : rule.max_frames, limits.max_frames);
  o.policy.start_ms = static_cast<int64_t>(s.start_s * 1000);
  o.policy.end_ms = static_cast<int64_t>(s.end_s * 1000);
  o.limits.max_file_bytes = limits.max_video_bytes;
  o.limits.max_duration_ms = static_cast<int64_t>(limits.max_video_s * 1000);
  o.limits.max_wall_ms = static_cast<int64_t>(limits.max_decode_s * 1000);
  o.cancelled = [&context] { return !context.Check().ok(); };
  if (item.progress) {
    o.progress = [&item](const VideoProgress& p) {
      item.progress(p.packets_total > 0
                        ? static_cast<double>(p.packets_done) / static_cast<double>(p.packets_total)
                        : 0);
    };
  }
  return o;
}

}  // namespace

StatusOr<EncodedMedia> VisionPipeline::Encode(const MediaItem& item,
                                              const RequestContext& context) const {
  SL_RETURN_IF_ERROR(context.Check());
  SL_RETURN_IF_ERROR(CheckTaken(item.kind));
  std::vector<Image> frames;
  std::vector<double> times_s;
  double duration_s = 0;
  MediaDamage damage;
  int width_px = 0, height_px = 0;
  if (item.kind == MediaItem::Kind::kImage) {
    ImageLimits limits;
    limits.max_pixels = limits_.max_image_pixels;
    SL_ASSIGN_OR_RETURN(DecodedImage decoded, DecodeImage(item.bytes, limits));
    width_px = decoded.image.width_px;
    height_px = decoded.image.height_px;
    frames.push_back(std::move(decoded.image));
  } else {
    auto video = SampleFrames(item.bytes, Sampling(item, traits().clip, limits_, context));
    if (!video.ok()) {
      // Decoding stops for the caller's deadline too; say which of the two it was.
      SL_RETURN_IF_ERROR(context.Check());
      return video.status();
    }
    duration_s = static_cast<double>(video->info.duration_ms) / 1000;
    width_px = video->frames[0].source_width_px;
    height_px = video->frames[0].source_height_px;
    damage = {static_cast<double>(video->missing_ms) / 1000, video->lost_frames};
    for (VideoFrame& f : video->frames) {
      damage.damaged_frames += f.damaged;
      times_s.push_back(static_cast<double>(f.timestamp_ms) / 1000);
      frames.push_back(std::move(f.image));
    }
  }
  SL_ASSIGN_OR_RETURN(EncodedMedia media, EncodeFrames(frames, times_s, context));
  media.source_width_px = width_px;
  media.source_height_px = height_px;
  media.duration_s = duration_s;
  media.damage = damage;
  return media;
}

}  // namespace sightline
