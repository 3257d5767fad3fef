// Pixels to visual tokens: decode -> canvas -> encoder -> projector. Stateless after load;
// thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compute/base/request_context.h"
#include "compute/base/status.h"
#include "compute/ops/ops.h"
#include "fusion/families/scenes.h"
#include "vision/image.h"

namespace sightline {

struct VideoSampling {
  double frames_per_second = 0;   // 0: the model's own
  int max_frames = 0;             // 0: the model's own
  double start_s = 0, end_s = 0;  // end 0: the clip's end
};

struct MediaItem {
  enum class Kind { kImage, kVideo };
  Kind kind = Kind::kImage;
  std::string_view bytes;  // an encoded file; the caller keeps it alive during the call
  VideoSampling sampling;
  std::function<void(double share)>
      progress;  // of decoding, 0 to 1; may be empty; called on the caller's thread
};

struct VisualSpan {
  int rows = 0, cols = 0;
  double time_s = -1;           // of a clip's frame; below 0 for stills
  std::vector<float> features;  // [rows * cols, channels]
};

struct EncodedMedia {
  MediaItem::Kind kind = MediaItem::Kind::kImage;
  std::vector<VisualSpan> spans;  // one for a still, one a frame for a clip
  int channels = 0;
  int source_width_px = 0, source_height_px = 0;  // upright
  double duration_s = 0;
  double out_of_domain_score =
      0;  // probability that the model has not been made for such a picture
  std::string content_hash;
};

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
  static StatusOr<std::unique_ptr<VisionPipeline>> Load(const std::string& model_directory);

  // Bytes of a file. UNIMPLEMENTED in a build without media decoding. Errors of vision/decode.h and
  // vision/video.h.
  StatusOr<EncodedMedia> Encode(const MediaItem& item, const RequestContext& context) const;
  // Pixels that are at hand: one still (no times), or a clip's sampled frames with their times.
  StatusOr<EncodedMedia> EncodeFrames(const std::vector<Image>& frames,
                                      const std::vector<double>& times_s,
                                      const RequestContext& context) const;
  const ModelSpec& spec() const { return spec_; }
  const MediaLimits& limits() const { return limits_; }
  void set_limits(const MediaLimits& limits) { limits_ = limits; }  // before the first call
  int channels() const { return static_cast<int>(spec_.text.hidden); }
  int64_t parameter_count() const { return parameters_; }

 private:
  VisionPipeline() = default;
  // What the encoder sees in one picture, and a frame's tokens merged: [rows * cols, dim2].
  struct VisualMap {
    int64_t rows = 0, cols = 0;
    Tensor tokens;
    double domain_logit = 0;
  };
  StatusOr<VisualMap> EncodeMap(const Image& image, bool frame) const;
  // Neighbours of a clip's frame: the frames at its sides, or itself at an end. Both null for a
  // still.
  VisualSpan Project(const VisualMap& map, const VisualMap* previous, const VisualMap* next) const;

  ModelSpec spec_;
  MediaLimits limits_;
  std::unique_ptr<vision::ScenesEncoder> encoder_;
  Linear merge_, fc1_, fc2_;
  Linear fc_previous_, fc_next_;  // no bias; empty where the model has no such term
  int64_t parameters_ = 0;
};

// Times a model looks at: n = clamp(ceil(duration * fps), least, most) frames at the middles of n
// equal parts.
std::vector<double> SampleTimes(double duration_s, double frames_per_second, int least, int most);

}  // namespace sightline
