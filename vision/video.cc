#include "vision/video.h"

#include <algorithm>
#include <cmath>
#include <new>

#include "vision/decode_error.h"
#include "vision/video_decoder.h"
#include "vision/video_source.h"
#include "vision/video_timeline.h"

namespace sightline {
namespace {

using namespace video_internal;  // NOLINT: this file is the front of that namespace

struct Scan {
  VideoInfo info;
  std::vector<PacketTime> packets;
  int64_t duration_us = 0;
};

int64_t ToMs(int64_t us) { return (us + 500) / 1000; }

// Times that callers name are any numbers.
int64_t ClampedUs(int64_t ms) { return std::clamp<int64_t>(ms, 0, INT64_MAX / 2000) * 1000; }

int64_t ToUs(int64_t value, AVRational base) {
  return value == AV_NOPTS_VALUE ? kNoTime : av_rescale_q(value, base, AVRational{1, 1'000'000});
}

// Length of one frame by the declared rate; where there is none that makes sense, by the mean gap
// between the packets; 25 a second where that fails too.
int64_t FrameUs(const AVStream* stream, const std::vector<PacketTime>& packets) {
  for (AVRational rate : {stream->avg_frame_rate, stream->r_frame_rate}) {
    if (rate.num > 0 && rate.den > 0) {
      const double fps = av_q2d(rate);
      if (fps > 0.001 && fps < 1000) return std::llround(1e6 / fps);
    }
  }
  int64_t low = kNoTime, high = kNoTime;
  for (const PacketTime& p : packets) {
    if (p.pts_us == kNoTime) continue;
    if (low == kNoTime || p.pts_us < low) low = p.pts_us;
    if (high == kNoTime || p.pts_us > high) high = p.pts_us;
  }
  const double span = static_cast<double>(high) - static_cast<double>(low);
  const double mean = packets.size() > 1 ? span / static_cast<double>(packets.size() - 1) : 0;
  return mean >= 1000 && mean <= 1e9 ? std::llround(mean) : 40'000;
}

// The count in a transport stream, by which lost packets are found, also jumps where two sound
// streams are joined. That is before a key frame, the last of `packets`; the flag comes up to two
// packets early.
void ForgiveJoint(std::vector<PacketTime>* packets) {
  for (size_t back = 1; back <= std::min<size_t>(3, packets->size()); ++back)
    (*packets)[packets->size() - back].damaged = false;
}

// First pass: every packet's time, nothing decoded.
StatusOr<std::vector<PacketTime>> ReadTimes(VideoSource* source) {
  const AVRational base = source->stream()->time_base;
  // Matroska holds no decode times; those that the demuxer makes up may go back.
  const bool decode_times = source->container() != "matroska";
  PacketPtr packet(av_packet_alloc());
  if (!packet)
    return MediaBudgetError("VIDEO_OUT_OF_MEMORY",
                            "there is not enough memory to decode the video now");
  std::vector<PacketTime> packets;
  for (;;) {
    SL_ASSIGN_OR_RETURN(bool more, source->Next(packet.get()));
    if (!more) break;
    PacketTime p;
    p.pts_us = ToUs(packet->pts, base);
    if (decode_times) p.dts_us = ToUs(packet->dts, base);
    p.duration_us = packet->duration > 0 ? ToUs(packet->duration, base) : 0;
    p.key = packet->flags & AV_PKT_FLAG_KEY;
    p.discard = packet->flags & AV_PKT_FLAG_DISCARD;
    p.damaged = packet->flags & AV_PKT_FLAG_CORRUPT;
    packets.push_back(p);
    if (p.key && source->container() == "mpegts") ForgiveJoint(&packets);
  }
  return packets;
}

// How much later the last frame of the index is than the last one that the file holds.
int64_t MissingUs(const VideoSource& source, const std::vector<PacketTime>& packets) {
  constexpr int64_t kSaneUs = 100'000'000'000'000'000;  // sums of what files say stay in range
  const int64_t last = ToUs(source.last_indexed_dts(), source.stream()->time_base);
  const int64_t held = packets.back().dts_us;
  if (last == kNoTime || held == kNoTime) return 0;
  return std::max<int64_t>(
      0, std::clamp(last, -kSaneUs, kSaneUs) - std::clamp(held, -kSaneUs, kSaneUs));
}

StatusOr<Scan> ScanVideo(std::string_view bytes, const VideoLimits& limits, const Watch* watch) {
  SL_ASSIGN_OR_RETURN(auto source, VideoSource::Open(bytes, limits, watch));
  const AVStream* stream = source->stream();
  Scan scan;
  SL_ASSIGN_OR_RETURN(scan.packets, ReadTimes(source.get()));
  if (scan.packets.empty())
    return MediaError("VIDEO_CORRUPT", "the video has no frames that can be read");
  const int64_t frame_us = FrameUs(stream, scan.packets);
  RepairTimes(frame_us, &scan.packets);
  scan.duration_us = DurationUs(scan.packets, frame_us);
  VideoInfo& info = scan.info;
  info.container = source->container();
  info.codec = avcodec_get_name(stream->codecpar->codec_id);
  info.orientation = source->orientation();
  info.width_px = info.orientation >= 5 ? stream->codecpar->height : stream->codecpar->width;
  info.height_px = info.orientation >= 5 ? stream->codecpar->width : stream->codecpar->height;
  info.duration_ms = ToMs(scan.duration_us);
  info.frame_count =
      std::count_if(scan.packets.begin(), scan.packets.end(), [](auto& p) { return !p.discard; });
  if (scan.duration_us > 0)
    info.fps = static_cast<double>(info.frame_count) * 1e6 / static_cast<double>(scan.duration_us);
  info.has_audio = source->has_audio();
  info.cut_off = source->indexed_packets() > static_cast<int64_t>(scan.packets.size());
  if (info.cut_off) info.missing_ms = ToMs(MissingUs(*source, scan.packets));
  if (info.duration_ms > limits.max_duration_ms) {
    return MediaError("VIDEO_TOO_LONG", "the video lasts " +
                                            std::to_string(info.duration_ms / 1000) +
                                            " seconds; the limit is " +
                                            std::to_string(limits.max_duration_ms / 1000));
  }
  return scan;
}

// Matches decoded frames to the wanted ones of a segment: each gets the last frame that is not
// later.
class Picker {
 public:
  Picker(const Scan& scan, const SampleOptions& options, const VideoDecoder* decoder,
         SampledVideo* out)
      : scan_(scan), options_(options), decoder_(decoder), out_(out), held_(av_frame_alloc()) {}

  void Start(const Segment* segment) {
    segment_ = segment;
    next_ = 0;
    have_held_ = marred_ = false;
    replaced_ = unsound_ = 0;
    refusals_ = refusals_before_ = decoder_->refusals();
  }

  Status OnFrame(AVFrame* frame) {
    ++out_->decoded_frames;
    if (frame->pts < 0 || frame->pts >= static_cast<int64_t>(scan_.packets.size()))
      return absl::OkStatus();
    const int64_t time_us = TimeOf(frame->pts);
    NoteDamage(frame);
    if (!Sound(frame, time_us)) {
      unsound_ += frame->flags & AV_FRAME_FLAG_CORRUPT ? 1 : 0;
      return absl::OkStatus();
    }
    while (next_ < segment_->wanted.size() && TimeOf(segment_->wanted[next_]) < time_us)
      SL_RETURN_IF_ERROR(Emit());
    if (next_ >= segment_->wanted.size()) return absl::OkStatus();
    av_frame_unref(held_.get());
    have_held_ = av_frame_ref(held_.get(), frame) >= 0;
    held_time_us_ = time_us;
    held_damaged_ = marred_;
    if (TimeOf(segment_->wanted[next_]) == time_us) return Emit();
    return absl::OkStatus();
  }

  Status End() {
    while (next_ < segment_->wanted.size()) SL_RETURN_IF_ERROR(Emit());
    // Without an error the packet of a frame that did not come shows nothing of its own.
    if (decoder_->refusals() > refusals_before_ || unsound_ > 0) out_->lost_frames += replaced_;
    return absl::OkStatus();
  }

 private:
  // Damage reaches the frames that build on it, up to the next key frame.
  void NoteDamage(const AVFrame* frame) {
    const PacketTime& packet = scan_.packets[frame->pts];
    if (packet.key) marred_ = false;
    marred_ |= packet.damaged || frame->decode_error_flags != 0 ||
               (!packet.key && decoder_->refusals() > refusals_);
    refusals_ = decoder_->refusals();
  }

  // Whether the frame can have all that it refers to: after a key frame those shown later have;
  // where a stretch begins without one, the decoder knows from when on.
  bool Sound(const AVFrame* frame, int64_t time_us) const {
    if (scan_.packets[segment_->first].key) return time_us >= TimeOf(segment_->first);
    return !(frame->flags & AV_FRAME_FLAG_CORRUPT);
  }

  int64_t TimeOf(int64_t ordinal) const { return scan_.packets[ordinal].time_us; }

  Status Emit() {
    replaced_ += !have_held_ || held_time_us_ != TimeOf(segment_->wanted[next_]);
    ++next_;
    if (!have_held_ || held_time_us_ < 0 || held_time_us_ == emitted_time_us_)
      return absl::OkStatus();
    auto frame = ConvertFrame(held_.get(), scan_.info.orientation, options_.policy.max_side_px,
                              options_.limits);
    if (!frame.ok()) return frame.status();
    frame->timestamp_ms = ToMs(held_time_us_);
    frame->damaged |= held_damaged_;
    emitted_time_us_ = held_time_us_;
    out_->frames.push_back(*std::move(frame));
    return absl::OkStatus();
  }

  const Scan& scan_;
  const SampleOptions& options_;
  const VideoDecoder* decoder_;
  SampledVideo* out_;
  FramePtr held_;
  const Segment* segment_ = nullptr;
  size_t next_ = 0;
  bool have_held_ = false, held_damaged_ = false;
  bool marred_ = false;
  int replaced_ = 0;  // wanted frames of the segment for which an earlier one or none came
  int unsound_ = 0;
  int64_t refusals_ = 0, refusals_before_ = 0;
  int64_t held_time_us_ = 0, emitted_time_us_ = -1;
};

// Second pass: feeds the planned stretches.
Status DecodeSegments(std::string_view bytes, const SampleOptions& options, const Scan& scan,
                      const std::vector<Segment>& segments, const Watch* watch, SampledVideo* out) {
  SL_ASSIGN_OR_RETURN(auto source, VideoSource::Open(bytes, options.limits, watch));
  SL_ASSIGN_OR_RETURN(
      VideoDecoder decoder,
      VideoDecoder::Open(source->stream(), ReorderDepth(scan.packets), options.limits));
  PacketPtr packet(av_packet_alloc());
  if (!packet)
    return MediaBudgetError("VIDEO_OUT_OF_MEMORY",
                            "there is not enough memory to decode the video now");
  Picker picker(scan, options, &decoder, out);
  const FrameSink sink = [&](AVFrame* frame) { return picker.OnFrame(frame); };
  int64_t ordinal = -1;
  bool more = true;
  for (const Segment& segment : segments) {
    picker.Start(&segment);
    std::vector<int64_t> wanted = segment.wanted;
    std::sort(wanted.begin(), wanted.end());
    while (more && ordinal < segment.last) {
      SL_ASSIGN_OR_RETURN(more, source->Next(packet.get()));
      if (!more || ++ordinal < segment.first) continue;
      const bool essential = std::binary_search(wanted.begin(), wanted.end(), ordinal);
      SL_RETURN_IF_ERROR(decoder.Feed(packet.get(), ordinal, essential, sink));
      if (options.progress) {
        options.progress({ordinal + 1, static_cast<int64_t>(scan.packets.size()),
                          static_cast<int>(out->frames.size()), out->wanted_frames});
      }
    }
    SL_RETURN_IF_ERROR(decoder.Finish(sink));
    SL_RETURN_IF_ERROR(picker.End());
  }
  return absl::OkStatus();
}

StatusOr<SampledVideo> Sample(std::string_view bytes, const SampleOptions& options,
                              const Watch* watch) {
  SL_ASSIGN_OR_RETURN(Scan scan, ScanVideo(bytes, options.limits, watch));
  const SamplePolicy& policy = options.policy;
  const int64_t start_us = ClampedUs(policy.start_ms);
  const int64_t end_us =
      policy.end_ms > 0 ? std::min(scan.duration_us, ClampedUs(policy.end_ms)) : scan.duration_us;
  if (start_us >= end_us) {
    return MediaError("VIDEO_EMPTY_RANGE", "the part asked for holds no frame: the video lasts " +
                                               std::to_string(scan.info.duration_ms) + " ms");
  }
  std::vector<int64_t> wanted = ChooseFrames(scan.packets, start_us, end_us, policy);
  std::vector<Segment> segments = PlanSegments(scan.packets, wanted);
  int64_t to_decode = 0;
  for (const Segment& s : segments) to_decode += s.last - s.first + 1;
  if (to_decode > options.limits.max_decoded_frames) {
    return MediaBudgetError("VIDEO_DECODE_BUDGET",
                            "reaching the frames wanted takes decoding " +
                                std::to_string(to_decode) + " frames; the limit is " +
                                std::to_string(options.limits.max_decoded_frames) +
                                " (more key frames or a shorter clip help)");
  }
  SampledVideo out;
  out.info = scan.info;
  out.wanted_frames = static_cast<int>(wanted.size());
  if (policy.end_ms <= 0) {
    out.missing_ms = scan.info.missing_ms;
  } else {
    out.missing_ms =
        std::clamp<int64_t>(policy.end_ms - scan.info.duration_ms, 0, scan.info.missing_ms);
  }
  SL_RETURN_IF_ERROR(DecodeSegments(bytes, options, scan, segments, watch, &out));
  std::stable_sort(
      out.frames.begin(), out.frames.end(),
      [](const VideoFrame& a, const VideoFrame& b) { return a.timestamp_ms < b.timestamp_ms; });
  if (out.frames.empty())
    return MediaError("VIDEO_CORRUPT", "no frame of the video could be decoded");
  if (options.progress) {
    const auto packets = static_cast<int64_t>(scan.packets.size());
    options.progress({packets, packets, static_cast<int>(out.frames.size()), out.wanted_frames});
  }
  return out;
}

Watch MakeWatch(const VideoLimits& limits, const std::function<bool()>* cancelled) {
  return {std::chrono::steady_clock::now() + std::chrono::milliseconds(limits.max_wall_ms),
          cancelled};
}

}  // namespace

StatusOr<VideoInfo> ProbeVideo(std::string_view bytes, const VideoLimits& limits) {
  try {
    Watch watch = MakeWatch(limits, nullptr);
    SL_ASSIGN_OR_RETURN(Scan scan, ScanVideo(bytes, limits, &watch));
    return scan.info;
  } catch (const std::bad_alloc&) {
    return MediaBudgetError("VIDEO_OUT_OF_MEMORY",
                            "there is not enough memory to decode the video now");
  }
}

StatusOr<SampledVideo> SampleFrames(std::string_view bytes, const SampleOptions& options) {
  try {
    Watch watch = MakeWatch(options.limits, &options.cancelled);
    return Sample(bytes, options, &watch);
  } catch (const std::bad_alloc&) {
    return MediaBudgetError("VIDEO_OUT_OF_MEMORY",
                            "there is not enough memory to decode the video now");
  }
}

}  // namespace sightline
