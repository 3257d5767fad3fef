// Random decoders of published sizes as GGUF files, so that another engine can be timed on the same
// weights.
#pragma once

#include <string>

#include "compute/ops/weight_matrix.h"
#include "language/decoder.h"

namespace sightline::bench {

// kQ8 writes matrices as Q8_0, kQ4 as Q4_K, or Q4_0 where a row is no multiple of 256, kBf16 as
// they are; vectors are float32. There is no vocabulary ("none"): token ids go in and out. The
// output matrix is the embedding (tied).
Status WriteRandomGguf(const language::DecoderSpec& spec, WeightChoice weights,
                       const std::string& path);

}  // namespace sightline::bench
