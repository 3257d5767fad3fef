// Qwen3-VL: a tower with interpolated positions and deepstack features, Qwen3 with interleaved
// M-RoPE.
#include "fusion/families/readers.h"
#include "fusion/families/text_config.h"

namespace sightline {

StatusOr<CheckpointSpec> ReadQwen3Vl(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json"), t(c, "text_config");
  CheckpointSpec spec;
  spec.text = Qwen3Text(t);
  spec.text.tied = c.Bool("tie_word_embeddings", spec.text.tied);
  ReadMropeSections(t, &spec.text);
  spec.text.mrope_interleaved = true;
  SL_RETURN_IF_ERROR(c.status());
  spec.parts =
      TextParts({"model.language_model.", "language_model.model.", "model."}, spec.text.tied);
  spec.unused = {"*rotary_emb.inv_freq", "visual.*", "model.visual.*"};
  if (spec.text.tied) spec.unused.push_back("lm_head.weight");
  return spec;
}

}  // namespace sightline
