// SHViT (arXiv 2401.16456): three groups of blocks whose one attention head sees a part of the
// channels (specs/vision.md 2.3).
#pragma once

#include <array>
#include <memory>

#include "vision/encoders/encoder.h"
#include "vision/encoders/encoder_weights.h"

namespace sightline::vision {

struct ShvitSpec {
  std::array<int64_t, 3> dims{128, 224, 320}, attended{32, 48, 68}, key_width{16, 16, 16},
      depths{2, 4, 5};
  std::array<bool, 3> attends{false, true, true};  // types "s"; "i" has none
  bool distilled = false;                          // logits are the mean of two heads
  int64_t classes = 1000;
};

StatusOr<std::unique_ptr<ImageEncoder>> LoadShvit(const ShvitSpec& spec,
                                                  const WeightSource& source);

}  // namespace sightline::vision
