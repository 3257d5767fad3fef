// LLaVA-OneVision: SigLIP over tiles of any resolution, two linear layers, row ends marked, a
// Qwen2.
#include "fusion/families/readers.h"

namespace sightline {

StatusOr<CheckpointSpec> ReadLlavaOneVision(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json"), t(c, "text_config");
  CheckpointSpec spec;
  spec.text = Qwen2Text(t);
  spec.text.tied = c.Bool("tie_word_embeddings", spec.text.tied);
  SL_RETURN_IF_ERROR(c.status());
  spec.parts = TextParts({"model.language_model.", "language_model.model."}, spec.text.tied);
  spec.unused = {"*rotary_emb.inv_freq", "*position_ids", "vision_tower.*",
                 "multi_modal_projector.*", "image_newline"};
  if (spec.text.tied) spec.unused.push_back("*lm_head.weight");
  return spec;
}

}  // namespace sightline
