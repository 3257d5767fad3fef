// CLIP's (arXiv 2103.00020) and SigLIP's (2303.15343) vision towers as image encoders: all layers,
// the last norm, and the pooling that their text towers are compared with.
#pragma once

#include <memory>

#include "vision/encoders/encoder.h"
#include "vision/encoders/encoder_weights.h"
#include "vision/encoders/vit.h"

namespace sightline::vision {

// Names under "vision_model." and, for CLIP, "visual_projection.weight" where `projection` > 0.
// Pooled: the class row, projected; for SigLIP a learned query that attends to all rows
// ("vision_model.head."), or the mean where a checkpoint has no such head.
StatusOr<std::unique_ptr<ImageEncoder>> LoadVitImageEncoder(VitSpec spec, int64_t projection,
                                                            const WeightSource& source);

}  // namespace sightline::vision
