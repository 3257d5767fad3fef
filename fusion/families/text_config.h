// The part of a text config that Llama-like families share.
#pragma once

#include "fusion/families/config_reader.h"
#include "language/decoder_spec.h"

namespace sightline {

// Sizes that a config leaves out because they are its class's defaults (published LLaVA text
// configs do); 0: required.
struct TextDefaults {
  int64_t hidden = 0, ffn = 0, layers = 0, heads = 0, vocab = 0;
};

// Sizes, norms' epsilon, rotation (old and new spellings), activation, sliding windows by layer.
// What a family adds (biases, query norms, ...) is set by its own file afterwards. `c` is
// text_config, or the config of a text model.
language::DecoderSpec ReadTextConfig(const ConfigReader& c, const TextDefaults& defaults = {});

// M-RoPE: rope_parameters or rope_scaling with mrope_section.
void ReadMropeSections(const ConfigReader& c, language::DecoderSpec* spec);

}  // namespace sightline
