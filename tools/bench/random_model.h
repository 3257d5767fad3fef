// Decoders of published sizes with random weights: speed and memory are those of the real ones,
// what they say is not.
#pragma once

#include <memory>
#include <string>

#include "language/decoder.h"

namespace sightline::bench {

// "135m" (SmolLM2's shape), "0.5b" and "3b" (Qwen2.5's). INVALID_ARGUMENT lists them.
StatusOr<language::DecoderSpec> SpecOf(const std::string& shape);

// Weights are drawn in the form that they are packed from, one matrix at a time: kQ8 and kQ4 as
// Q8_0 and Q4_K blocks where widths allow, else quantised from bfloat16. kStored is bfloat16.
StatusOr<std::unique_ptr<language::Decoder>> RandomDecoder(const language::DecoderSpec& spec,
                                                           WeightChoice weights);

}  // namespace sightline::bench
