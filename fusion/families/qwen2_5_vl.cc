// Qwen2.5-VL: a tower with windows and 2-D rotations, 2 x 2 merger, Qwen2 with M-RoPE.
#include "fusion/families/readers.h"
#include "fusion/families/text_config.h"

namespace sightline {

StatusOr<CheckpointSpec> ReadQwen25Vl(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json"), nested(c, "text_config");
  const ConfigReader& t =
      c.Has("text_config") ? nested : c;  // older exporters write the text fields at the top
  CheckpointSpec spec;
  spec.text = Qwen2Text(t);
  spec.text.tied = c.Bool("tie_word_embeddings", spec.text.tied);
  ReadMropeSections(t, &spec.text);
  SL_RETURN_IF_ERROR(c.status());
  spec.parts =
      TextParts({"model.language_model.", "language_model.model.", "model."}, spec.text.tied);
  spec.unused = {"*rotary_emb.inv_freq", "visual.*", "model.visual.*"};
  if (spec.text.tied) spec.unused.push_back("lm_head.weight");
  return spec;
}

}  // namespace sightline
