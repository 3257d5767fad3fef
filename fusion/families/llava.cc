// LLaVA-1.5: CLIP features of a chosen layer, two linear layers, a Llama.
#include "fusion/families/readers.h"

namespace sightline {

StatusOr<CheckpointSpec> ReadLlava(const ModelConfigs& configs) {
  ConfigReader c(configs.config, "config.json"), t(c, "text_config");
  CheckpointSpec spec;
  spec.text = LlamaText(t);
  SL_RETURN_IF_ERROR(c.status());
  spec.parts = TextParts({"model.language_model.", "language_model.model."}, spec.text.tied);
  spec.unused = {"*rotary_emb.inv_freq", "*position_ids", "vision_tower.*",
                 "multi_modal_projector.*"};
  return spec;
}

}  // namespace sightline
