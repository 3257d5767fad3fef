// What a family makes of a config: plain data that the shared code runs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "compute/ops/weight_matrix.h"
#include "fusion/families/checkpoint.h"
#include "fusion/families/config_reader.h"
#include "fusion/families/turn_form.h"
#include "fusion/families/vision_side.h"
#include "fusion/media_encoder.h"
#include "language/decoder_spec.h"
#include "language/sampling.h"

namespace sightline {

struct ModelConfigs {  // parsed files of a model directory
  Json config;
  Json generation;  // generation_config.json; an empty object when missing
  Json processor;  // processor_config.json or preprocessor_config.json; an empty object where there
                   // is neither
};

struct CheckpointSpec {
  std::string family;
  language::DecoderSpec text;
  std::vector<WeightPart> parts;    // "text"; "head" unless tied; "vision" and others of the family
  std::vector<std::string> unused;  // patterns of tensors that some exporters add and nobody needs
  std::vector<int32_t> place_ids;   // tokens in whose places visual rows stand: image, video
  // Null for text-only families. Reads the parts it has named above; `tower`: how the tower keeps
  // its linear layers on the host.
  std::function<StatusOr<std::unique_ptr<VisionSide>>(Checkpoint* weights, WeightChoice tower)>
      load_vision;
  std::vector<int32_t> end_ids;  // tokens that end an answer
  TurnForm turn;                 // how a question is laid out
  bool takes_clips = false;      // images are taken by every family with a visual half
  ClipRule clip;
  SamplingOptions sampling;  // of generation_config.json
  int max_new_tokens = 256;  // likewise
};

// One row of the registry. A config belongs to the first row whose model_type it carries.
struct Family {
  const char* name;
  std::vector<std::string> model_types;    // of config.json
  std::vector<std::string> architectures;  // asked when model_type is missing
  StatusOr<CheckpointSpec> (*read)(const ModelConfigs& configs);
};

}  // namespace sightline
