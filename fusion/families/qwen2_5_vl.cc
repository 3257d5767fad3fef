// Qwen2.5-VL (arXiv 2502.13923): a tower with windows and 2-D rotations, 2 x 2 merger, Qwen2 with
// M-RoPE whose time positions follow the clock.
#include "fusion/families/qwen_side.h"
#include "fusion/families/readers.h"
#include "fusion/families/text_config.h"

namespace sightline {

vision::QwenTowerSpec ReadQwen25Tower(const ConfigReader& v, int64_t hidden) {
  vision::QwenTowerSpec t;
  t.hidden = v.Int("hidden_size", 8, 1 << 14);
  t.ffn = v.Int("intermediate_size", 8, 1 << 17);
  t.layers = v.Int("depth", 1, 256);
  t.heads = v.Int("num_heads", 1, 256);
  t.patch = v.Int("patch_size", 1, 256, 14);
  t.merge = v.Int("spatial_merge_size", 1, 16, 2);
  t.frames = v.Int("temporal_patch_size", 1, 16, 2);
  t.out = v.Int("out_hidden_size", 8, 1 << 16, hidden);
  if (t.hidden % (4 * t.heads)) v.Fail("num_heads", "must divide hidden_size into multiples of 4");
  if (t.out != hidden) v.Fail("out_hidden_size", "must be the text model's hidden_size");
  t.window = v.Int("window_size", 1, 1 << 14, 112) / t.merge / t.patch;
  if (t.window < 1) v.Fail("window_size", "is smaller than a merge unit");
  t.full_layers = v.Ints("fullatt_block_indexes", 256, 0, 256);
  if (!v.Has("fullatt_block_indexes")) t.full_layers = {7, 15, 23, 31};
  return t;
}

namespace {

QwenVision ReadVision(const ConfigReader& c, const ConfigReader& v, int64_t hidden) {
  QwenVision s;
  s.tower = ReadQwen25Tower(v, hidden);
  s.tokens_per_second = v.Real("tokens_per_second", 0, 1e6, 2);
  s.image_id = static_cast<int32_t>(c.Int("image_token_id", 0, 1 << 22, 151655));
  s.video_id = static_cast<int32_t>(c.Int("video_token_id", 0, 1 << 22, 151656));
  return s;
}

}  // namespace

StatusOr<CheckpointSpec> ReadQwen25Vl(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json"), nested(c, "text_config"), v(c, "vision_config");
  const ConfigReader& t =
      c.Has("text_config") ? nested : c;  // older exporters write the text fields at the top
  CheckpointSpec spec;
  spec.text = Qwen2Text(t);
  spec.text.tied = c.Bool("tie_word_embeddings", spec.text.tied);
  ReadMropeSections(t, &spec.text);
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
