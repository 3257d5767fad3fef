// CLIP and SigLIP: config of the pair of towers, or of the vision tower alone -> spec.
#include "fusion/encoders/readers.h"
#include "fusion/families/image_config.h"
#include "vision/encoders/vit_image_encoder.h"

namespace sightline {
namespace {

StatusOr<EncoderSpec> ReadTower(const Json& config, bool clip) {
  ConfigReader c(config, "config.json");
  ConfigReader nested(c, "vision_config");
  const ConfigReader& vision = c.Has("vision_config") ? nested : c;
  vision::VitSpec s =
      clip ? ReadVit(vision, true) : ReadVit(vision, false, {768, 3072, 12, 12, 16, 224});
  // A tower alone is saved with its projection only by the class that has one.
  std::vector<std::string> classes = c.Texts("architectures", 16);
  bool alone = !c.Has("vision_config");
  bool projected = clip && (!alone || (!classes.empty() && classes[0].ends_with("WithProjection")));
  int64_t projection = projected ? c.Int("projection_dim", 1, 1 << 14, 512) : 0;
  EncoderSpec out;
  out.pixels.height_px = out.pixels.width_px = static_cast<int>(s.image);
  out.pixels.crop_share = 1;
  out.pixels.squash = !clip;
  out.pixels.floor_offsets = true;
  if (clip) {
    out.pixels.norm = {{0.48145466f, 0.4578275f, 0.40821073f},
                       {0.26862954f, 0.26130258f, 0.27577711f}};
  } else {
    out.pixels.norm = {{0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}};
  }
  SL_RETURN_IF_ERROR(c.status());
  out.prefixes = {"", "model."};
  out.probes = {"vision_model.embeddings.patch_embedding.weight"};
  out.unused = {"*text_model.*", "*text_projection.weight", "*logit_scale", "*logit_bias",
                "*.position_ids"};
  out.load = [s, projection](const vision::WeightSource& w) {
    return vision::LoadVitImageEncoder(s, projection, w);
  };
  return out;
}

}  // namespace

StatusOr<EncoderSpec> ReadClip(const Json& config) { return ReadTower(config, true); }
StatusOr<EncoderSpec> ReadSiglip(const Json& config) { return ReadTower(config, false); }

const Json& NoSizes() {
  static const Json none = Json::object();
  return none;
}

}  // namespace sightline
