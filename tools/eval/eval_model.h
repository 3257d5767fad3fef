// The model that an evaluation measures.
#pragma once

#include <memory>
#include <string>

#include "fusion/engine.h"
#include "fusion/vision_pipeline.h"

namespace sightline {

// As people write them on a command line.
struct EvalModelOptions {
  std::string folder;
  std::string device = "cpu";
  std::string weights = "stored", kv = "auto";  // the decoder's
};

struct EvalModel {
  // Sets the process to one thread for each computation: scenes are spread over threads instead.
  static StatusOr<EvalModel> Load(const EvalModelOptions& options);

  std::unique_ptr<VisionPipeline> vision;
  std::unique_ptr<Engine> engine;
};

}  // namespace sightline
