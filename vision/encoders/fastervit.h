// FasterViT (arXiv 2306.06189): two convolutional levels, then windows, joined by carrier tokens in
// the levels that ask for them (specs/vision.md 1.3).
#pragma once

#include <array>
#include <memory>

#include "vision/encoders/encoder.h"
#include "vision/encoders/encoder_weights.h"

namespace sightline::vision {

struct FasterVitSpec {
  int64_t dim = 64,
          stem = 64;  // of the first level, doubling with each; between its two convolutions
  std::array<int64_t, 4> depths{2, 3, 6, 5}, heads{2, 4, 8, 16}, windows{7, 7, 7, 7};
  std::array<bool, 4> hierarchical{false, false, true, false};  // carriers, where there are several
                                                                // windows
  int64_t carriers = 2;                                         // of a window, a side
  double mlp_ratio = 4;
  int64_t resolution = 224;  // of the square picture; multiples of 32 whose maps the windows divide
  bool qkv_bias = true, layer_scale = false, conv_layer_scale = false;
  bool propagate = false;        // carriers are added to the map after the level
  bool last_layer_norm = false;  // instead of the last batch norm
  double scale = 0;              // of the logits; 0: 1 / sqrt(head width)
  int64_t classes = 1000;

  int64_t map_side(size_t level) const { return resolution >> (level + 2); }
};

StatusOr<std::unique_ptr<ImageEncoder>> LoadFasterVit(const FasterVitSpec& spec,
                                                      const WeightSource& source);

}  // namespace sightline::vision
