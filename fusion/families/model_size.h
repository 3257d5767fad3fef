// What a model's weights take in memory on the host, told from its configs and its files' headers.
#pragma once

#include "fusion/families/model_kinds.h"

namespace sightline {

struct ModelSize {
  int64_t text = 0;    // bytes of the decoder
  int64_t visual = 0;  // bytes of tower and projector
};

// Of weights that are loaded as `choice` says, which maps their parts. What no loader reads (the
// head of a tied model, say) counts nowhere. INVALID_ARGUMENT names a part that is missing.
StatusOr<ModelSize> SizeOf(const ModelDescription& model, WeightChoice choice, Checkpoint* weights);

}  // namespace sightline
