// Files to visual tokens: decode -> the model's visual half. Stateless after load; thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compute/base/request_context.h"
#include "compute/base/status.h"
#include "fusion/media_encoder.h"
#include "vision/image.h"

namespace sightline {

// What one image or clip may cost. A deployment's limits; the decoders' own are wider.
struct MediaLimits {
  int64_t max_image_pixels = 64'000'000;
  int64_t max_video_bytes = int64_t{1} << 30;
  double max_video_s = 4 * 3600;
  double max_decode_s = 60;
  int max_frames = 1024;
};

class VisionPipeline {
 public:
  static StatusOr<std::unique_ptr<VisionPipeline>> Load(
      const std::string& model_directory, const LoadProgress& progress = {},
      const Device& device = {}, WeightChoice weights = WeightChoice::kStored);

  // Bytes of a file. UNIMPLEMENTED in a build without media decoding. Errors of vision/decode.h and
  // vision/video.h.
  StatusOr<EncodedMedia> Encode(const MediaItem& item, const RequestContext& context) const;
  // Pixels that are at hand: one still (no times), or a clip's sampled frames with their times.
  StatusOr<EncodedMedia> EncodeFrames(const std::vector<Image>& frames,
                                      const std::vector<double>& times_s,
                                      const RequestContext& context) const;
  const MediaTraits& traits() const { return encoder_->traits(); }
  const MediaLimits& limits() const { return limits_; }
  void set_limits(const MediaLimits& limits) { limits_ = limits; }  // before the first call
  int channels() const { return traits().channels; }
  int64_t parameter_count() const { return traits().parameter_count; }

 private:
  VisionPipeline() = default;
  // INVALID_ARGUMENT when the model takes no media of this kind.
  Status CheckTaken(MediaItem::Kind kind) const;

  MediaLimits limits_;
  std::unique_ptr<MediaEncoder> encoder_;
};

}  // namespace sightline
