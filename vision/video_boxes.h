// Private to vision/video*: what has to be known about an ISO media file (MP4, MOV) before a
// demuxer may read its tables.
#pragma once

#include <optional>
#include <string_view>

#include "compute/base/status.h"
#include "vision/video.h"

namespace sightline::video_internal {

// Contents of the first box of `type` in a run of boxes; absent also where it reaches past the end.
std::optional<std::string_view> FindBox(std::string_view boxes, std::string_view type);

// A table of a few bytes can declare billions of samples, and demuxers reserve memory for what is
// declared. Refuses (VIDEO_TOO_MANY_FRAMES) where the samples of all tracks and fragments together,
// or those samples times the edits that may repeat them, are beyond the limits.
Status CheckIsoTables(std::string_view file, const VideoLimits& limits);

}  // namespace sightline::video_internal
