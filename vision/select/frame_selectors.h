// Selectors of vision transformers: whole frames, and windows of merge units inside frames.
#pragma once

#include <cstdint>

#include "compute/attention/block_list.h"

namespace sightline::vision {

// `frames` pictures stored one after the other, `rows` rows each: every row reads its own frame.
// One frame is dense.
BlockList FrameList(int32_t frames, int32_t rows);

// t frames of h x w units, `unit_rows` rows each, units in raster order: a row reads the units of
// its window of `window` x `window` units; windows at the right and lower border are smaller.
// Neutral: a window that covers the frame.
BlockList UnitWindowList(int32_t t, int32_t h, int32_t w, int32_t window, int32_t unit_rows);

}  // namespace sightline::vision
