// Limits of one image or clip where it is decoded: those of the vision role and those of whoever
// asks it. Refusals name the setting, so that the text helps whoever runs the server.
#pragma once

#include <atomic>

#include "absl/time/time.h"
#include "compute/base/request_context.h"
#include "compute/base/status.h"
#include "fusion/vision_pipeline.h"
#include "services/config.h"

namespace sightline {

MediaLimits MediaLimitsOf(const ServerConfig& config);
// Of each limit the smaller one.
MediaLimits Smaller(const MediaLimits& a, const MediaLimits& b);

// The frames asked for, as far as `limits` lets them.
VideoSampling Capped(VideoSampling asked, const ClipRule& rule, const MediaLimits& limits);

// By the image's header; IMAGE_TOO_LARGE. A file that cannot be read passes: decoding says why.
Status CheckImageSize(std::string_view bytes, const MediaLimits& limits);
// Reads the times of the clip's packets, without decoding; VIDEO_TOO_LONG, and other errors of
// vision/video.h.
Status CheckClipLength(std::string_view bytes, const MediaLimits& limits);
// Of tokens that are there already, perhaps made under wider limits.
Status CheckSizes(const EncodedMedia& media, const MediaLimits& limits);

// Ends the decoding of one clip after `limit_s`. `item` and `context` must outlive it; one clip
// each.
class DecodeClock {
 public:
  DecodeClock(double limit_s, const MediaItem& item, const RequestContext& context);
  DecodeClock(const DecodeClock&) = delete;
  DecodeClock& operator=(const DecodeClock&) = delete;
  // What to decode with.
  const MediaItem& item() const { return item_; }
  const RequestContext& context() const { return context_; }
  // An error of the work, told by its cause: VIDEO_DECODE_BUDGET when it was this clock or the
  // pipeline's own, which has the same hand.
  Status Explain(const Status& status) const;

 private:
  bool Over() const { return !decoded_ && absl::Now() >= end_; }

  double limit_s_;
  absl::Time end_;
  std::atomic<bool> decoded_;
  const RequestContext& caller_;
  MediaItem item_;
  RequestContext context_;
};

}  // namespace sightline
