// The visual half of a family: pixels as its processor lays them out -> rows that stand in the
// prompt.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "compute/base/tensor.h"
#include "vision/encoders/qwen_tower.h"
#include "vision/image.h"

namespace sightline {

// What a processor hands to the model, on the host; the layout of `pixels` is the family's own.
struct VisualInput {
  Tensor pixels;
  bool video = false;
  std::vector<vision::Grid> grids;      // (t, h, w) in patches of each picture or clip; Qwen towers
  std::vector<float> seconds_per_grid;  // of each clip; empty: 1
  std::vector<std::array<int32_t, 2>> sizes;  // (h, w) of each picture in px; LLaVA-OneVision
  std::array<int32_t, 2> tiles{};  // (rows, columns) that the last picture was cut into; SmolVLM
};

// On the model's device.
struct VisualRows {
  Tensor rows;                    // [N, C], in the order of the places in the prompt
  std::vector<Tensor> deepstack;  // as rows; added after decoder layer 0, 1, ...
  std::vector<std::array<int32_t, 2>> spans = {};  // (rows, columns) of the rectangles in `rows`
};

// Const after loading; thread-safe. INVALID_ARGUMENT when the input does not fit the model.
class VisionSide {
 public:
  virtual ~VisionSide() = default;
  // Pictures, or the frames of one clip of equal size at `fps` frames a second.
  virtual StatusOr<VisualInput> Preprocess(const std::vector<Image>& images, bool video,
                                           double fps) const = 0;
  virtual StatusOr<VisualRows> Encode(const VisualInput& in) const = 0;
  // [3, T] for a prompt whose places are expanded; empty where positions just count up.
  virtual StatusOr<std::vector<int32_t>> Positions([[maybe_unused]] const std::vector<int32_t>& ids,
                                                   [[maybe_unused]] const VisualInput& in) const {
    return std::vector<int32_t>();
  }
  // The largest std of the normalisation: turns errors back into pixel values.
  virtual double pixel_std() const = 0;
};

Status BadMedia(const std::string& what);

}  // namespace sightline
