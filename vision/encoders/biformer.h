// BiFormer (arXiv 2303.08810): four stages of bi-level routing attention, the deep ones plain
// (specs/vision.md 1.1). Weight names are those of the published checkpoints.
#pragma once

#include <array>
#include <memory>

#include "vision/encoders/encoder.h"
#include "vision/encoders/encoder_weights.h"

namespace sightline::vision {

struct BiFormerSpec {
  std::array<int64_t, 4> depths{2, 2, 8, 2}, dims{64, 128, 256, 512}, ffn{192, 384, 768, 1536};
  int64_t head_width = 32;                           // of routed stages
  int32_t regions = 7;                               // a side
  std::array<int64_t, 4> top_regions{1, 4, 16, -2};  // > 0: routed; -2: whole map with local
                                                     // enhancement; -1: whole map without
  int64_t local_kernel = 5;     // depthwise convolution beside the attention; 0: none
  int64_t position_kernel = 3;  // depthwise convolution before the attention; 0 or 3
  bool layer_scale = false;
  bool pad_maps = false;  // to multiples of `regions`; without it other sizes are refused
  int64_t classes = 1000;
};

StatusOr<std::unique_ptr<ImageEncoder>> LoadBiFormer(const BiFormerSpec& spec,
                                                     const WeightSource& source);

}  // namespace sightline::vision
