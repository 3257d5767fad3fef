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

std::string QwenTemplate(bool system) {
  std::string first =
      "{% if loop.first and m.role != 'system' %}<|im_start|>system\n"
      "You are a helpful assistant.<|im_end|>\n{% endif %}";
  return "{% for m in messages %}" + (system ? first : "") +
         "<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}{% else %}"
         "{% for c in m.content %}{{ c.text if c.type == 'text' else "
         "'<|vision_start|><|' ~ c.type ~ '_pad|><|vision_end|>' }}{% endfor %}{% endif %}"
         "<|im_end|>\n{% endfor %}<|im_start|>assistant{{ '\n' }}";
}

StatusOr<CheckpointSpec> ReadQwen2(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json");
  CheckpointSpec spec;
  spec.text = Qwen2Text(c);
  SL_RETURN_IF_ERROR(c.status());
  spec.turn.chat_template = QwenTemplate(/*system=*/true);
  spec.parts = TextOnlyParts(spec.text.tied);
  spec.unused = {"*rotary_emb.inv_freq"};
  if (spec.text.tied) spec.unused.push_back("lm_head.weight");
  return spec;
}

}  // namespace sightline
