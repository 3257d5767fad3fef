// The visual half of the Qwen-VL families: tower, processor and M-RoPE positions. Which of them is
// data.
#pragma once

#include "fusion/families/image_config.h"

namespace sightline {

struct QwenVision {
  vision::QwenTowerSpec tower;
  ImageConfig image, video;
  // Budgets of the resized picture in px: of one frame, or of all frames of a clip.
  int64_t min_pixels = 0, max_pixels = 0, video_min_pixels = 0, video_max_pixels = 0;
  bool budget_covers_clip = false;  // Qwen3-VL
  bool frames_apart =
      false;  // Qwen3-VL: each frame of a clip is a span of its own, told apart by text
  double tokens_per_second = 0;  // Qwen2.5-VL: time positions follow the clock; 0: they count grids
  int32_t image_id = 0, video_id = 0;
  ClipRule clip;
};

// Sizes of a vision_config; `hidden`: the decoder's width, which its rows must have.
vision::QwenTowerSpec ReadQwen25Tower(const ConfigReader& vision, int64_t hidden);
vision::QwenTowerSpec ReadQwen3Tower(const ConfigReader& vision, int64_t hidden);

// Budgets and normalisation of a processor config.
void ReadQwenProcessor(const ModelConfigs& configs, QwenVision* spec, Status* status);

// The turn of the user as these families' templates write it.
TurnForm QwenTurn(const QwenVision& spec);

// (time, row, column) of every token. Text counts up in all three; a span starts after the largest
// position so far. grids: of each place in order. INVALID_ARGUMENT when places and grids don't
// match.
StatusOr<std::vector<int32_t>> QwenPositions(const QwenVision& spec,
                                             const std::vector<int32_t>& ids,
                                             const VisualInput& in);

StatusOr<std::unique_ptr<VisionSide>> LoadQwenSide(const QwenVision& spec, Checkpoint* weights,
                                                   WeightChoice tower);

}  // namespace sightline
