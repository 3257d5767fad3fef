// FasterViT's position terms: two small networks over relative positions, run once at load
// (specs/vision.md 1.3.2). `name` ends before the network's first layer.
#pragma once

#include <string>

#include "vision/encoders/encoder_weights.h"

namespace sightline::vision {

// [side * side, C], rows in raster order; added to the tokens. No shape while nothing is usable.
Tensor ReadEmbedding(const std::string& name, int64_t side, int64_t c, EncoderWeights* w);

// [H, (2 * side - 1)^2], entry (dy + side - 1) * (2 * side - 1) + dx + side - 1 for offsets query
// minus key; added to the logits.
Tensor ReadBiasTable(const std::string& name, int64_t side, int64_t heads, EncoderWeights* w);

}  // namespace sightline::vision
