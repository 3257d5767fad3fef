// SmolVLM and Idefics3: SigLIP with position buckets, pixel shuffle, one linear layer, a Llama.
#include "fusion/families/readers.h"

namespace sightline {

StatusOr<CheckpointSpec> ReadSmolVlm(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json"), t(c, "text_config");
  CheckpointSpec spec;
  spec.text = LlamaText(t);
  spec.text.tied = c.Bool("tie_word_embeddings", spec.text.tied);
  SL_RETURN_IF_ERROR(c.status());
  spec.parts = TextParts({"model.text_model.", "text_model.model."}, spec.text.tied);
  spec.unused = {"*rotary_emb.inv_freq", "*position_ids", "model.vision_model.*",
                 "model.connector.*"};
  if (spec.text.tied) spec.unused.push_back("lm_head.weight");
  return spec;
}

}  // namespace sightline
