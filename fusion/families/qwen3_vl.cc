// Qwen3-VL: a tower with interpolated positions and deepstack features, Qwen3 with interleaved
// M-RoPE; frames of a clip are spans of their own with their times written between them.
#include <cmath>

#include "fusion/families/qwen_side.h"
#include "fusion/families/readers.h"
#include "fusion/families/text_config.h"

namespace sightline {

vision::QwenTowerSpec ReadQwen3Tower(const ConfigReader& v, int64_t hidden) {
  vision::QwenTowerSpec t;
  t.hidden = v.Int("hidden_size", 8, 1 << 14);
  t.ffn = v.Int("intermediate_size", 8, 1 << 17);
  t.layers = v.Int("depth", 1, 256);
  t.heads = v.Int("num_heads", 1, 256);
  t.patch = v.Int("patch_size", 1, 256, 16);
  t.merge = v.Int("spatial_merge_size", 1, 16, 2);
  t.frames = v.Int("temporal_patch_size", 1, 16, 2);
  t.out = v.Int("out_hidden_size", 8, 1 << 16, hidden);
  t.patch_bias = t.layer_norm = true;
  t.gated_mlp = false;
  int64_t places = v.Int("num_position_embeddings", 1, 1 << 20, 2304);
  t.position_grid = std::llround(std::sqrt(static_cast<double>(places)));
  if (t.position_grid * t.position_grid != places)
    v.Fail("num_position_embeddings", "must be a square");
  if (t.hidden % (4 * t.heads)) v.Fail("num_heads", "must divide hidden_size into multiples of 4");
  if (t.out != hidden) v.Fail("out_hidden_size", "must be the text model's hidden_size");
  t.deepstack = v.Ints("deepstack_visual_indexes", 64, 0, t.layers - 1);
  return t;
}

namespace {

QwenVision ReadVision(const ConfigReader& c, const ConfigReader& v, int64_t hidden) {
  QwenVision s;
  s.tower = ReadQwen3Tower(v, hidden);
  s.budget_covers_clip = s.frames_apart = true;
  s.image_id = static_cast<int32_t>(c.Int("image_token_id", 0, 1 << 22, 151655));
  s.video_id = static_cast<int32_t>(c.Int("video_token_id", 0, 1 << 22, 151656));
  return s;
}

}  // namespace

StatusOr<CheckpointSpec> ReadQwen3Vl(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json"), t(c, "text_config"), v(c, "vision_config");
  CheckpointSpec spec;
  spec.text = Qwen3Text(t);
  spec.text.tied = c.Bool("tie_word_embeddings", spec.text.tied);
  ReadMropeSections(t, &spec.text);
  spec.text.mrope_interleaved = true;
  QwenVision s = ReadVision(c, v, spec.text.hidden);
  SL_RETURN_IF_ERROR(c.status());
  Status processor;
  ReadQwenProcessor(configs, &s, &processor);
  SL_RETURN_IF_ERROR(processor);
  spec.place_ids = {s.image_id, s.video_id};
  spec.turn = QwenTurn(s);
  spec.takes_clips = true;
  spec.clip = s.clip;
  spec.load_vision = [s](Checkpoint* w, WeightChoice tower) { return LoadQwenSide(s, w, tower); };
  spec.parts =
      TextParts({"model.language_model.", "language_model.model.", "model."}, spec.text.tied);
  spec.parts.push_back({"vision", "patch_embed.proj.weight", {"model.visual.", "visual."}});
  spec.unused = {"*rotary_emb.inv_freq"};
  if (spec.text.tied) spec.unused.push_back("lm_head.weight");
  return spec;
}

}  // namespace sightline
