// The towers of Qwen2.5-VL and Qwen3-VL: config of the whole model -> spec. The decoder's weights
// may stand beside them.
#include "fusion/encoders/readers.h"
#include "fusion/families/qwen_side.h"
#include "vision/encoders/qwen_image_encoder.h"

namespace sightline {
namespace {

using ReadTower = vision::QwenTowerSpec (*)(const ConfigReader& vision, int64_t hidden);

StatusOr<EncoderSpec> ReadQwen(const Json& config, ReadTower read, int64_t least, int64_t most,
                               const vision::Normalisation& norm) {
  ConfigReader c(config, "config.json"), text(c, "text_config"), v(c, "vision_config");
  // Older exporters write the text fields at the top.
  int64_t hidden = text.Int("hidden_size", 8, 1 << 16, c.Int("hidden_size", 8, 1 << 16, 0));
  vision::QwenTowerSpec s = read(v, hidden > 0 ? hidden : v.Int("out_hidden_size", 8, 1 << 16));
  SL_RETURN_IF_ERROR(c.status());
  EncoderSpec out;
  out.pixels.multiple_px = static_cast<int>(s.patch * s.merge);
  out.pixels.min_pixels = least;
  out.pixels.max_pixels = most;
  out.pixels.norm = norm;
  out.prefixes = {"model.visual.", "visual.", ""};
  out.probes = {"patch_embed.proj.weight"};
  out.unused = {"model.layers.*",      "model.embed_tokens.*",   "model.norm.*",
                "lm_head.weight",      "model.language_model.*", "language_model.*",
                "*rotary_emb.inv_freq"};
  out.load = [s](const vision::WeightSource& w) { return vision::LoadQwenImageEncoder(s, w); };
  return out;
}

}  // namespace

StatusOr<EncoderSpec> ReadQwen25Encoder(const Json& config) {
  return ReadQwen(
      config, ReadQwen25Tower, 3136, 12845056,
      {{0.48145466f, 0.4578275f, 0.40821073f}, {0.26862954f, 0.26130258f, 0.27577711f}});
}

StatusOr<EncoderSpec> ReadQwen3Encoder(const Json& config) {
  return ReadQwen(config, ReadQwen3Tower, 65536, 16777216,
                  {{0.5f, 0.5f, 0.5f}, {0.5f, 0.5f, 0.5f}});
}

}  // namespace sightline
