// Which frames of a clip are looked at, by their numbers.
#pragma once

#include <cstdint>
#include <vector>

namespace sightline {

// How n frames are spread. All but kMiddles are those of published processors and count frames
// instead of time.
enum class FrameRule {
  kMiddles,  // middles of n equal parts of the time
  kStride,   // the first of n equal parts, n a multiple of `multiple` (Qwen2.5-VL, LLaVA-OneVision)
  kEnds,     // evenly from the first to the last, rounded (Qwen3-VL)
  kEndsInside,  // the same cut off, without a second at both ends of long clips (SmolVLM)
};

struct FrameCount {
  double fps = 2;
  int min_frames = 4, max_frames = 32;
  int multiple = 1;  // kStride
};

// Numbers in [0, total), ascending, without repeats; `seconds` > 0: how long the frames are shown
// together. Not for kMiddles. At least one where total > 0.
std::vector<int64_t> ChooseFrameNumbers(FrameRule rule, const FrameCount& count, int64_t total,
                                        double seconds);

}  // namespace sightline
