// Qwen2 and Qwen2.5: biases on queries, keys and values alone.
#include "fusion/families/readers.h"
#include "fusion/families/text_config.h"

namespace sightline {

language::DecoderSpec Qwen2Text(const ConfigReader& c) {
  language::DecoderSpec s = ReadTextConfig(c);
  s.qkv_bias = true;
  s.tied = c.Bool("tie_word_embeddings", false);
  return s;
}

StatusOr<CheckpointSpec> ReadQwen2(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json");
  CheckpointSpec spec;
  spec.text = Qwen2Text(c);
  SL_RETURN_IF_ERROR(c.status());
  spec.turn = {.before =
                   "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
                   "<|im_start|>user\n",
               .after = "<|im_end|>\n<|im_start|>assistant\n"};
  spec.parts = TextOnlyParts(spec.text.tied);
  spec.unused = {"*rotary_emb.inv_freq"};
  if (spec.text.tied) spec.unused.push_back("lm_head.weight");
  return spec;
}

}  // namespace sightline
