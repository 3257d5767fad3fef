// Qwen3: queries and keys are normalised head by head; head_dim is a number of its own.
#include "fusion/families/readers.h"
#include "fusion/families/text_config.h"

namespace sightline {

language::DecoderSpec Qwen3Text(const ConfigReader& c) {
  language::DecoderSpec s = ReadTextConfig(c);
  if (!c.Has("head_dim")) s.head_dim = 128;  // the family's default, not hidden / heads
  s.qkv_bias = s.o_bias = c.Bool("attention_bias", false);
  s.qk_norm = true;
  s.tied = c.Bool("tie_word_embeddings", false);
  return s;
}

StatusOr<CheckpointSpec> ReadQwen3(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json");
  CheckpointSpec spec;
  spec.text = Qwen3Text(c);
  SL_RETURN_IF_ERROR(c.status());
  spec.turn.chat_template = QwenTemplate(/*system=*/false);
  spec.parts = TextOnlyParts(spec.text.tied);
  spec.unused = {"*rotary_emb.inv_freq"};
  if (spec.text.tied) spec.unused.push_back("lm_head.weight");
  return spec;
}

}  // namespace sightline
