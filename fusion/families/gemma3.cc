// Gemma 3 text: norms before and after each block with weights stored minus one, scaled embeddings,
// five layers with a sliding window to one without, each kind with its own rotation base.
#include <cmath>

#include "fusion/families/readers.h"
#include "fusion/families/text_config.h"

namespace sightline {

StatusOr<CheckpointSpec> ReadGemma3(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json");
  CheckpointSpec spec;
  language::DecoderSpec& s = spec.text;
  s = ReadTextConfig(c);
  if (!c.Has("head_dim")) s.head_dim = 256;
  if (!c.Has("rms_norm_eps")) s.rms_eps = 1e-6f;
  if (s.windows.empty() && !c.Has("sliding_window")) c.Fail("sliding_window", "is missing");
  s.qkv_bias = s.o_bias = c.Bool("attention_bias", false);
  s.qk_norm = s.sandwich_norms = true;
  s.norm_offset = 1;
  s.activation = language::Activation::kGeluTanh;
  s.embedding_scale = std::sqrt(static_cast<float>(s.hidden));
  double scalar = c.Real("query_pre_attn_scalar", 1e-3, 1e9, 256);
  s.attention_scale = static_cast<float>(1 / std::sqrt(scalar));
  s.logit_cap = static_cast<float>(c.Real("final_logit_softcapping", 1e-3, 1e9, 0));
  if (s.local_rope_theta == 0) s.local_rope_theta = 10000;
  if (!c.Has("rope_parameters") && !c.Has("rope_theta")) s.rope_theta = 1000000;
  s.tied = c.Bool("tie_word_embeddings", true);
  if (c.Has("attn_logit_softcapping")) c.Fail("attn_logit_softcapping", "is not supported");
  if (c.Bool("use_bidirectional_attention", false))
    c.Fail("use_bidirectional_attention", "is not supported");
  SL_RETURN_IF_ERROR(c.status());
  spec.turn.chat_template =
      "<bos>{% for m in messages %}<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role "
      "}}\n"
      "{{ m.content }}<end_of_turn>\n{% endfor %}<start_of_turn>model{{ '\n' }}";
  spec.parts = TextOnlyParts(s.tied);
  spec.unused = {"*rotary_emb.inv_freq"};
  if (s.tied) spec.unused.push_back("lm_head.weight");
  return spec;
}

}  // namespace sightline
