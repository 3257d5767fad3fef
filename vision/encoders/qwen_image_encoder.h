// The towers of Qwen2.5-VL and Qwen3-VL as image encoders: what their decoders read of a picture.
#pragma once

#include <memory>

#include "vision/encoders/encoder.h"
#include "vision/encoders/encoder_weights.h"
#include "vision/encoders/qwen_tower.h"

namespace sightline::vision {

// Features: one row a merge unit, projected to the decoder's width; maps: of the deepstack layers,
// then "tokens". Pooled: their mean. Takes pictures whose sides are multiples of patch * merge.
StatusOr<std::unique_ptr<ImageEncoder>> LoadQwenImageEncoder(const QwenTowerSpec& spec,
                                                             const WeightSource& source);

}  // namespace sightline::vision
