#include "vision/video_timeline.h"

#include <algorithm>
#include <cmath>

namespace sightline::video_internal {
namespace {

// Without decode times, a presentation time that goes back further than this and further than any
// reordering is a new clock.
constexpr int64_t kResetUs = 10'000'000;
constexpr int64_t kMostReorderedFrames = 32;
// Times beyond this (about 3,000 years) are nonsense and would overflow sums.
constexpr int64_t kSaneUs = 100'000'000'000'000'000;

bool Sane(int64_t t) { return t != kNoTime && t > -kSaneUs && t < kSaneUs; }

struct Span {
  int64_t low = kSaneUs, high = -kSaneUs;
  int64_t length_us() const { return std::max<int64_t>(0, high - low); }
};

Span SpanOf(const std::vector<PacketTime>& packets) {
  Span span;
  for (const PacketTime& p : packets) {
    if (!Sane(p.pts_us)) continue;
    span.low = std::min(span.low, p.pts_us);
    span.high = std::max(span.high, p.pts_us);
  }
  return span;
}

// Whether the packet belongs to a new clock. `latest_us` is the latest presentation time so far, by
// the old one. Decode times never go back on one clock.
bool JumpsBack(const PacketTime& p, int64_t previous_dts_us, int64_t latest_us, int64_t frame_us,
               int64_t reset_us) {
  if (Sane(p.dts_us) && previous_dts_us != kNoTime) {
    return p.dts_us < previous_dts_us - frame_us && p.pts_us <= latest_us;
  }
  return p.pts_us < latest_us - reset_us;
}

}  // namespace

void RepairTimes(int64_t frame_us, std::vector<PacketTime>* packets) {
  const auto count = static_cast<int64_t>(packets->size());
  const int64_t length_us = SpanOf(*packets).length_us();
  if (length_us == 0) {
    for (int64_t i = 0; i < count; ++i) (*packets)[i].pts_us = i * frame_us;
  }
  // The declared length of a frame may be far from the real one.
  const int64_t longest_us = std::max(frame_us, length_us / std::max<int64_t>(1, count));
  const int64_t reset_us = std::max(kResetUs, kMostReorderedFrames * longest_us);
  int64_t offset = 0, previous_dts = kNoTime, latest = kNoTime, previous = kNoTime;
  for (PacketTime& p : *packets) {
    p.duration_us = p.duration_us > 0 && p.duration_us < kSaneUs / 1000 ? p.duration_us : 0;
    if (!Sane(p.pts_us)) {
      p.time_us = previous == kNoTime ? 0 : std::min(previous + frame_us, kSaneUs);
    } else {
      if (latest != kNoTime && JumpsBack(p, previous_dts, latest - offset, frame_us, reset_us)) {
        offset = latest + frame_us - p.pts_us;
      }
      p.time_us = std::clamp(p.pts_us + offset, -kSaneUs, kSaneUs);
    }
    if (Sane(p.dts_us)) previous_dts = p.dts_us;
    previous = p.time_us;
    if (latest == kNoTime || p.time_us > latest) latest = p.time_us;
  }
  int64_t start = kNoTime;
  for (const PacketTime& p : *packets) {
    if (!p.discard && (start == kNoTime || p.time_us < start)) start = p.time_us;
  }
  if (start == kNoTime) return;
  for (PacketTime& p : *packets) p.time_us -= start;
}

int64_t DurationUs(const std::vector<PacketTime>& packets, int64_t frame_us) {
  int64_t end = 0;
  for (const PacketTime& p : packets) {
    if (!p.discard) end = std::max(end, p.time_us + (p.duration_us > 0 ? p.duration_us : frame_us));
  }
  return end;
}

int ReorderDepth(const std::vector<PacketTime>& packets) {
  constexpr size_t kMaxDepth = 16;
  int depth = 0;
  for (size_t i = 0; i < packets.size(); ++i) {
    int later = 0;
    for (size_t back = 1; back <= std::min(i, kMaxDepth); ++back)
      later += packets[i - back].time_us > packets[i].time_us;
    depth = std::max(depth, later);
  }
  return depth;
}

std::vector<int64_t> ChooseFrames(const std::vector<PacketTime>& packets, int64_t start_us,
                                  int64_t end_us, const SamplePolicy& policy) {
  std::vector<int64_t> shown;
  for (size_t i = 0; i < packets.size(); ++i) {
    if (!packets[i].discard) shown.push_back(static_cast<int64_t>(i));
  }
  std::stable_sort(shown.begin(), shown.end(),
                   [&](int64_t a, int64_t b) { return packets[a].time_us < packets[b].time_us; });
  std::vector<int64_t> wanted;
  if (shown.empty()) return wanted;
  const auto duration_us = static_cast<double>(end_us - start_us);
  if (policy.rule != FrameRule::kMiddles) {
    // Where no frame begins inside the part, the one that is still shown.
    std::vector<int64_t> inside;
    for (int64_t at : shown) {
      const int64_t time = packets[at].time_us;
      if (time >= end_us) break;
      if (time < start_us) inside.clear();
      inside.push_back(at);
    }
    if (inside.size() > 1 && packets[inside[0]].time_us < start_us) inside.erase(inside.begin());
    if (inside.empty()) inside.push_back(shown.front());
    const FrameCount count{policy.fps, policy.min_frames, policy.max_frames, policy.multiple};
    for (int64_t i : ChooseFrameNumbers(policy.rule, count, static_cast<int64_t>(inside.size()),
                                        duration_us * 1e-6))
      wanted.push_back(inside[static_cast<size_t>(i)]);
    return wanted;
  }
  const int most = std::max(1, policy.max_frames);
  const double by_rate = std::ceil(duration_us * 1e-6 * policy.fps);
  const int n =
      static_cast<int>(std::clamp<double>(by_rate, std::clamp(policy.min_frames, 1, most), most));
  for (int i = 0; i < n; ++i) {
    const int64_t t = start_us + static_cast<int64_t>((i + 0.5) * duration_us / n);
    auto after = std::upper_bound(shown.begin(), shown.end(), t, [&](int64_t time, int64_t at) {
      return time < packets[at].time_us;
    });
    const int64_t chosen = after == shown.begin() ? shown.front() : *(after - 1);
    if (wanted.empty() || wanted.back() != chosen) wanted.push_back(chosen);
  }
  return wanted;
}

std::vector<Segment> PlanSegments(const std::vector<PacketTime>& packets,
                                  const std::vector<int64_t>& wanted) {
  // Key frame to start from: the last one at or before the frame in decode order whose time is not
  // later either, because frames shown before an open-GOP key frame also need the group before it.
  std::vector<int64_t> keys;
  for (size_t i = 0; i < packets.size(); ++i) {
    if (packets[i].key) keys.push_back(static_cast<int64_t>(i));
  }
  std::vector<Segment> segments;
  for (int64_t w : wanted) {
    auto it = std::upper_bound(keys.begin(), keys.end(), w);
    while (it != keys.begin() && packets[*(it - 1)].time_us > packets[w].time_us) --it;
    segments.push_back({it == keys.begin() ? 0 : *(it - 1), w, {w}});
  }
  std::sort(segments.begin(), segments.end(),
            [](const Segment& a, const Segment& b) { return a.first < b.first; });
  std::vector<Segment> merged;
  for (Segment& s : segments) {
    if (!merged.empty() && s.first <= merged.back().last) {
      merged.back().last = std::max(merged.back().last, s.last);
      merged.back().wanted.push_back(s.wanted[0]);
    } else {
      merged.push_back(std::move(s));
    }
  }
  for (Segment& s : merged) {
    std::sort(s.wanted.begin(), s.wanted.end(),
              [&](int64_t a, int64_t b) { return packets[a].time_us < packets[b].time_us; });
  }
  return merged;
}

}  // namespace sightline::video_internal
