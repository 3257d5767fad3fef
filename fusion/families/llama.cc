// Llama 2 and 3 and what is shaped like them: no biases, optional llama3 rotation scaling.
#include "fusion/families/readers.h"
#include "fusion/families/text_config.h"

namespace sightline {

language::DecoderSpec LlamaText(const ConfigReader& c) {
  language::DecoderSpec s = ReadTextConfig(c, {4096, 11008, 32, 32, 32000});
  s.qkv_bias = s.o_bias = c.Bool("attention_bias", false);
  s.mlp_bias = c.Bool("mlp_bias", false);
  s.tied = c.Bool("tie_word_embeddings", false);
  return s;
}

std::vector<WeightPart> TextParts(const std::vector<std::string>& prefixes, bool tied) {
  std::vector<WeightPart> parts = {{"text", "embed_tokens.weight", prefixes}};
  if (!tied) parts.push_back({"head", "lm_head.weight", {"", "language_model."}});
  return parts;
}

std::vector<WeightPart> TextOnlyParts(bool tied) { return TextParts({"model.", ""}, tied); }

StatusOr<CheckpointSpec> ReadLlama(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json");
  CheckpointSpec spec;
  spec.text = LlamaText(c);
  SL_RETURN_IF_ERROR(c.status());
  spec.turn.chat_template =
      "<|begin_of_text|>{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
      "{{ m.content }}<|eot_id|>{% endfor %}<|start_header_id|>assistant<|end_header_id|>{{ '\n\n' "
      "}}";
  spec.parts = TextOnlyParts(spec.text.tied);
  spec.unused = {"*rotary_emb.inv_freq"};
  if (spec.text.tied) spec.unused.push_back("lm_head.weight");  // a copy of the embedding table
  return spec;
}

}  // namespace sightline
