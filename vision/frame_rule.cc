#include "vision/frame_rule.h"

#include <algorithm>
#include <cmath>

namespace sightline {
namespace {

// fps * seconds within the bounds, then `round`ed as the rule has it; at most `total`.
int64_t CountOf(FrameRule rule, const FrameCount& c, int64_t total, double seconds) {
  auto most = std::max<int64_t>(1, std::min<int64_t>(c.max_frames, total));
  double asked = std::min(c.fps * seconds, 1e9);
  if (rule == FrameRule::kEndsInside)
    return std::clamp<int64_t>(static_cast<int64_t>(std::nearbyint(asked)), 1, most);
  auto least = std::clamp<int64_t>(c.min_frames, 1, most);
  if (rule == FrameRule::kEnds)
    return std::clamp<int64_t>(static_cast<int64_t>(asked), least, most);
  auto multiple = std::max<int64_t>(1, c.multiple);
  if (most >= multiple) most = most / multiple * multiple;
  auto n = static_cast<int64_t>(
      std::clamp(asked, static_cast<double>(std::min(least, most)), static_cast<double>(most)));
  return n < multiple ? std::min(multiple, most) : n / multiple * multiple;
}

}  // namespace

std::vector<int64_t> ChooseFrameNumbers(FrameRule rule, const FrameCount& count, int64_t total,
                                        double seconds) {
  std::vector<int64_t> out;
  if (total < 1) return out;
  int64_t n = CountOf(rule, count, total, seconds), first = 0, last = total - 1;
  if (rule == FrameRule::kEndsInside && seconds - 2 > count.max_frames * count.fps) {
    double rate = static_cast<double>(total) / seconds;
    first = std::clamp<int64_t>(static_cast<int64_t>(rate), 0, last);
    last = std::min<int64_t>(static_cast<int64_t>(static_cast<double>(total) - rate), last);
    if (first >= last) first = 0, last = total - 1;
  }
  for (int64_t i = 0; i < n; ++i) {
    auto place = static_cast<double>(i);
    if (rule == FrameRule::kStride) {
      // In float, as the reference counts.
      place = static_cast<float>(place * (static_cast<double>(total) / static_cast<double>(n)));
    } else if (n > 1) {
      place = static_cast<double>(first) +
              place * (static_cast<double>(last - first) / static_cast<double>(n - 1));
      if (i + 1 == n) place = static_cast<double>(last);
    } else {
      place = static_cast<double>(first);
    }
    if (rule == FrameRule::kEnds) place = std::nearbyint(place);
    auto at = std::clamp<int64_t>(static_cast<int64_t>(place), 0, total - 1);
    if (out.empty() || out.back() != at) out.push_back(at);
  }
  return out;
}

}  // namespace sightline
