// DiNAT (arXiv 2209.15001) and NAT (2204.07143), NAT being all dilations 1: four levels of dilated
// neighbourhood attention with learned relative positions (specs/vision.md 1.2).
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "vision/encoders/encoder.h"
#include "vision/encoders/encoder_weights.h"

namespace sightline::vision {

struct DinatSpec {
  int64_t dim = 64;  // of the first level; doubles with each
  std::array<int64_t, 4> depths{3, 4, 6, 5}, heads{2, 4, 8, 16};
  std::array<std::vector<int64_t>, 4> dilations;  // one a block
  int64_t kernel = 7;
  double mlp_ratio = 3;
  bool qkv_bias = true, layer_scale = false;
  float eps = 1e-5f;
  double scale = 0;  // of the logits; 0: 1 / sqrt(head width)
  int64_t classes = 1000;
};

// Names of the authors' checkpoints or, where source.has finds them, of transformers' ("dinat.").
StatusOr<std::unique_ptr<ImageEncoder>> LoadDinat(const DinatSpec& spec,
                                                  const WeightSource& source);

}  // namespace sightline::vision
