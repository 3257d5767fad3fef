// The visual half of a model, as the vision role runs it: pixels to visual tokens.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compute/base/request_context.h"
#include "compute/base/status.h"
#include "compute/ops/weight_matrix.h"
#include "fusion/families/checkpoint.h"
#include "fusion/media.h"
#include "vision/frame_rule.h"
#include "vision/image.h"

namespace sightline {

// Which frames of a clip a model looks at (vision/frame_rule.h).
struct ClipRule {
  double frames_per_second = 2;
  int min_frames = 4, max_frames = 32;
  FrameRule rule = FrameRule::kMiddles;
  int multiple = 1;  // of the number of frames, with kStride
};

struct MediaTraits {
  std::string model;  // the directory's name
  int channels = 0;   // width of a visual token
  int64_t parameter_count = 0;
  bool images = false, clips = false;  // what the model takes
  ClipRule clip;
};

// Const after loading; thread-safe.
class MediaEncoder {
 public:
  virtual ~MediaEncoder() = default;
  virtual const MediaTraits& traits() const = 0;
  // One still (no times), or a clip's sampled frames with their times; at least one frame, of a
  // kind that the model takes. INVALID_ARGUMENT when it does not fit the model.
  virtual StatusOr<EncodedMedia> Encode(const std::vector<Image>& frames,
                                        const std::vector<double>& times_s,
                                        const RequestContext& context) const = 0;
};

// Of any model directory that this build runs; a text-only model's takes neither kind. A published
// tower on the host keeps its linear layers as TowerWeights makes of `weights`.
StatusOr<std::unique_ptr<MediaEncoder>> LoadMediaEncoder(
    const std::string& directory, const LoadProgress& progress = {}, const Device& device = {},
    WeightChoice weights = WeightChoice::kStored);

}  // namespace sightline
