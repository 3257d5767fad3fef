// DiNAT and NAT: constructor arguments of the published class, or a transformers config -> spec
// (specs/vision.md 1.2).
#include "fusion/encoders/readers.h"
#include "vision/encoders/dinat.h"

namespace sightline {
namespace {

constexpr int64_t kMostSpan = 512;  // maps are padded to kernel * dilation

// Dilations of a level: 1 and `large` by turns.
Json Turns(int64_t depth, int64_t large) {
  Json d = Json::array();
  for (int64_t i = 0; i < depth; ++i) d.push_back(i % 2 ? large : 1);
  return d;
}

struct Size {
  const char* name;
  std::array<int64_t, 4> depths;
  int64_t dim, heads;
  int mlp_ratio;
  bool layer_scale;
  int kernel;
  std::array<int64_t, 4> dilations;  // the largest of each level
  int resolution;
};

Json ArgumentsOf(const Size& s) {
  Json dilations = Json::array(), heads = Json::array();
  for (size_t l = 0; l < 4; ++l) {
    dilations.push_back(Turns(s.depths[l], s.dilations[l]));
    heads.push_back(s.heads << l);
  }
  Json j = {{"depths", s.depths},        {"num_heads", heads},      {"embed_dim", s.dim},
            {"mlp_ratio", s.mlp_ratio},  {"kernel_size", s.kernel}, {"dilations", dilations},
            {"resolution", s.resolution}};
  if (s.layer_scale) j["layer_scale"] = 1e-5;
  if (s.resolution != 224) j["crop_pct"] = 1.0;
  return j;
}

}  // namespace

const Json& DinatSizes() {
  static const Json sizes = [] {
    constexpr std::array<int64_t, 4> mini = {3, 4, 6, 5}, deep = {3, 4, 18, 5};
    constexpr std::array<int64_t, 4> near = {1, 1, 1, 1}, far = {8, 4, 2, 1}, wide = {13, 6, 3, 1};
    Json all = Json::object();
    for (const Size& s : std::initializer_list<Size>{
             {"dinat_mini", mini, 64, 2, 3, false, 7, far, 224},
             {"dinat_tiny", deep, 64, 2, 3, false, 7, far, 224},
             {"dinat_small", deep, 96, 3, 2, false, 7, far, 224},
             {"dinat_base", deep, 128, 4, 2, true, 7, far, 224},
             {"dinat_large", deep, 192, 6, 2, false, 7, far, 224},
             {"dinat_large_384", deep, 192, 6, 2, false, 7, wide, 384},
             {"dinat_large_384_11x11", deep, 192, 6, 2, false, 11, far, 384},
             {"nat_mini", mini, 64, 2, 3, false, 7, near, 224},
             {"nat_tiny", deep, 64, 2, 3, false, 7, near, 224},
             {"nat_small", deep, 96, 3, 2, false, 7, near, 224},
             {"nat_base", deep, 128, 4, 2, true, 7, near, 224}}) {
      all[s.name] = ArgumentsOf(s);
    }
    return all;
  }();
  return sizes;
}

StatusOr<EncoderSpec> ReadDinat(const Json& config) {
  ConfigReader c(config, "config.json");
  vision::DinatSpec s;
  s.dim = c.Int("embed_dim", 2, 2048, 64);
  s.depths = FourInts(c, "depths", 0, 128, {3, 4, 6, 5});
  s.heads = FourInts(c, "num_heads", 1, 512, {2, 4, 8, 16});
  s.kernel = c.Int("kernel_size", 1, 31, 7);
  s.mlp_ratio = c.Real("mlp_ratio", 0.1, 64, 3);
  s.qkv_bias = c.Bool("qkv_bias", true);
  s.scale = c.Real("qk_scale", 1e-6, 1e6, 0);
  s.eps = static_cast<float>(c.Real("layer_norm_eps", 0, 1, 1e-5));
  // The published class makes the gains for any number; transformers' only for one above 0.
  s.layer_scale = c.Has("layer_scale") || c.Real("layer_scale_init_value", -1e6, 1e6, 0) > 0;
  s.classes = ReadClasses(c);
  bool given = c.Has("dilations") && config["dilations"].is_array();
  if (c.Has("dilations") && (!given || config["dilations"].size() != 4)) {
    c.Fail("dilations", "must hold a list for each of four levels");
    given = false;
  }
  for (size_t l = 0; l < 4; ++l) {
    s.dilations[l].assign(static_cast<size_t>(s.depths[l]), 1);
    if (given && !config["dilations"][l].is_null()) {
      Json level = {{"dilations", config["dilations"][l]}};
      ConfigReader one(level, "config.json");
      s.dilations[l] = one.Ints("dilations", 128, 1, 128);
      if (!one.status().ok() || static_cast<int64_t>(s.dilations[l].size()) != s.depths[l]) {
        c.Fail("dilations", "must hold a number from 1 to 128 for each block");
      }
    }
    for (int64_t d : s.dilations[l]) {
      if (d * s.kernel > kMostSpan) c.Fail("dilations", "reach too far for this kernel_size");
    }
    if ((s.dim << l) % s.heads[l]) c.Fail("num_heads", "must divide the width of its level");
  }
  if (s.kernel % 2 == 0) c.Fail("kernel_size", "must be odd");
  if (c.Text("hidden_act", "gelu") != "gelu") c.Fail("hidden_act", "must be 'gelu'");
  EncoderSpec out;
  out.pixels = ReadImageNetRule(c);
  SL_RETURN_IF_ERROR(c.status());
  out.prefixes = {"", "module.", "model."};
  out.probes = {"patch_embed.proj.0.weight",
                "dinat.embeddings.patch_embeddings.projection.0.weight"};
  out.unused = {"*.num_batches_tracked"};
  out.load = [s](const vision::WeightSource& w) { return vision::LoadDinat(s, w); };
  return out;
}

}  // namespace sightline
