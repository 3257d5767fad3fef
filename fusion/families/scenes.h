// The `scenes` family: config files to data. No code elsewhere asks which model it is.
#pragma once

#include <string>
#include <vector>

#include "compute/base/status.h"
#include "language/decoder.h"
#include "vision/canvas.h"
#include "vision/encoders/scenes_encoder.h"

namespace sightline {

struct ModelSpec {
  std::string name;
  vision::ScenesVisionSpec vision;
  language::DecoderSpec text;
  std::string vision_prefix, projector_prefix, text_prefix;  // of weight names
  std::vector<vision::Canvas> image_canvases, frame_canvases;
  double frames_per_second = 2;
  int min_frames = 4, max_frames = 32;
  int frame_merge = 2;
  bool frame_neighbours =
      false;  // the projector of a clip's frame also reads the frames before and after it
  // Prompt pieces; the chat template's fixed parts.
  std::string user = "<|user|>", assistant = "<|assistant|>", end = "<|end|>";
  std::string vision_start = "<|vision_start|>", vision_end = "<|vision_end|>";
  bool media_first = true;  // trained with all media before the question
  int max_new_tokens = 192;
};

// Reads config.json and preprocessor_config.json of a model directory.
StatusOr<ModelSpec> ReadScenesSpec(const std::string& directory);
// Whole text of a file of at most `limit` bytes.
StatusOr<std::string> ReadSmallFile(const std::string& path, size_t limit = 64u << 20);

}  // namespace sightline
