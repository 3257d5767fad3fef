#include "vision/video_boxes.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>

#include "vision/decode_error.h"

namespace sightline::video_internal {
namespace {

// Sound files have an edit or two a track.
constexpr int64_t kMaxRepeats = 8;

uint32_t Be32(std::string_view b, size_t at) {
  auto u = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(b[at + i])); };
  return u(0) << 24 | u(1) << 16 | u(2) << 8 | u(3);
}

struct Box {
  std::string_view type, body;  // the body cut to what is there
  bool whole;
};

// Calls visit for each box of a run until it returns false.
void ForEachBox(std::string_view boxes, const std::function<bool(const Box&)>& visit) {
  for (size_t at = 0; boxes.size() - at >= 8;) {
    uint64_t size = Be32(boxes, at), head = 8;
    const uint64_t left = boxes.size() - at;
    if (size == 1) {
      if (left < 16) return;
      size = static_cast<uint64_t>(Be32(boxes, at + 8)) << 32 | Be32(boxes, at + 12);
      head = 16;
    } else if (size == 0) {
      size = left;
    }
    if (size < head) return;
    const std::string_view body = boxes.substr(at + head, std::min(size, left) - head);
    if (!visit({boxes.substr(at + 4, 4), body, size <= left})) return;
    if (size > left) return;
    at += size;
  }
}

// Sum over all places where `type` stands of the count that lies `offset` bytes after it, no more
// than `most` each. Demuxers take boxes at depths where no writer puts them, so the bytes are
// searched and the nesting is not believed; a chance match in an index is one in four billion.
int64_t SumOfCounts(std::string_view bytes, std::string_view type, size_t offset, int64_t most) {
  int64_t sum = 0;
  for (size_t at = bytes.find(type); at != bytes.npos; at = bytes.find(type, at + 1)) {
    if (bytes.size() - at >= offset + 4) sum += std::min<int64_t>(most, Be32(bytes, at + offset));
  }
  return sum;
}

}  // namespace

std::optional<std::string_view> FindBox(std::string_view boxes, std::string_view type) {
  std::optional<std::string_view> found;
  ForEachBox(boxes, [&](const Box& box) {
    if (box.type == type && box.whole) found = box.body;
    return !found;
  });
  return found;
}

Status CheckIsoTables(std::string_view file, const VideoLimits& limits) {
  int64_t samples = 0, edits = 0;
  constexpr int64_t kMost = INT64_C(1) << 32;
  ForEachBox(file, [&](const Box& box) {
    const std::string_view body = box.body;
    if (box.type == "mdat") return true;
    // After the type: version and flags, then (stsz, stz2) a size, then the count.
    samples += SumOfCounts(body, "stsz", 12, kMost) + SumOfCounts(body, "stz2", 12, kMost) +
               SumOfCounts(body, "trun", 8, kMost);
    edits += SumOfCounts(body, "elst", 8, static_cast<int64_t>(body.size() / 12));
    return true;
  });
  const int64_t per_edit = kMaxRepeats * limits.max_packets / std::max<int64_t>(1, edits);
  if (samples > limits.max_packets || (edits > kMaxRepeats && samples > per_edit)) {
    return MediaError("VIDEO_TOO_MANY_FRAMES",
                      "the video has more than " + std::to_string(limits.max_packets) + " frames");
  }
  return absl::OkStatus();
}

}  // namespace sightline::video_internal
