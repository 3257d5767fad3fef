// Private to vision/video*: times of packets and the plan of what to decode. Pure arithmetic, no
// FFmpeg.
#pragma once

#include <cstdint>
#include <vector>

#include "vision/video.h"

namespace sightline::video_internal {

inline constexpr int64_t kNoTime = INT64_MIN;

// One packet of the video track, in decode order. Raw times in microseconds or kNoTime; `time_us`
// is filled by RepairTimes.
struct PacketTime {
  int64_t pts_us = kNoTime, dts_us = kNoTime, duration_us = 0;
  bool key = false, discard = false, damaged = false;
  int64_t time_us = 0;
};

// Stretch of packets to feed to the decoder, [first, last] in decode order, first a key frame where
// there is one.
struct Segment {
  int64_t first = 0, last = 0;
  std::vector<int64_t> wanted;  // ordinals inside the stretch, by ascending time
};

// Fills time_us: missing times from neighbours and `frame_us`, backward jumps continued, the first
// shown frame at 0. Where all times are one, frames follow each other by `frame_us`.
void RepairTimes(int64_t frame_us, std::vector<PacketTime>* packets);

// End of the last frame: latest time plus its duration.
int64_t DurationUs(const std::vector<PacketTime>& packets, int64_t frame_us);

// Most frames that any frame is decoded after though it is shown before them; at most 16, the most
// that H.264 allows.
int ReorderDepth(const std::vector<PacketTime>& packets);

// Ordinals of the wanted frames of [start_us, end_us) by ascending time, without repeats.
std::vector<int64_t> ChooseFrames(const std::vector<PacketTime>& packets, int64_t start_us,
                                  int64_t end_us, const SamplePolicy& policy);

std::vector<Segment> PlanSegments(const std::vector<PacketTime>& packets,
                                  const std::vector<int64_t>& wanted);

}  // namespace sightline::video_internal
