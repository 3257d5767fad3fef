// The part of a text config that Llama-like families share.
#pragma once

#include "fusion/families/config_reader.h"
#include "language/decoder_spec.h"

namespace sightline {

// Sizes, norms' epsilon, rotation (old and new spellings), activation, sliding windows by layer.
// What a family adds (biases, query norms, ...) is set by its own file afterwards. `c` is
// text_config, or the config of a text model.
language::DecoderSpec ReadTextConfig(const ConfigReader& c);

// M-RoPE: rope_parameters or rope_scaling with mrope_section.
void ReadMropeSections(const ConfigReader& c, language::DecoderSpec* spec);

}  // namespace sightline
