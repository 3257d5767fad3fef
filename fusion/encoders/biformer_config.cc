// BiFormer: constructor arguments of the published class -> spec (specs/vision.md 1.1).
#include "fusion/encoders/readers.h"
#include "vision/encoders/biformer.h"

namespace sightline {

const Json& BiFormerSizes() {
  static const Json sizes = [] {
    Json all = Json::object();
    auto add = [&](const char* name, Json depth, Json dims) {
      all[name] = {{"depth", depth},
                   {"embed_dim", dims},
                   {"qk_dims", dims},
                   {"head_dim", 32},
                   {"mlp_ratios", {3, 3, 3, 3}},
                   {"n_win", 7},
                   {"topks", {1, 4, 16, -2}},
                   {"side_dwconv", 5},
                   {"before_attn_dwconv", 3},
                   {"kv_downsample_mode", "identity"}};
    };
    add("biformer_tiny", {2, 2, 8, 2}, {64, 128, 256, 512});
    add("biformer_small", {4, 4, 18, 4}, {64, 128, 256, 512});
    add("biformer_base", {4, 4, 18, 4}, {96, 192, 384, 768});
    return all;
  }();
  return sizes;
}

namespace {

// Arguments whose other values no published checkpoint has.
void RefuseVariants(const ConfigReader& c) {
  if (c.Text("kv_downsample_mode", "ada_avgpool") != "identity") {
    c.Fail("kv_downsample_mode", "must be 'identity'");
  }
  for (const char* key : {"param_routing", "diff_routing", "soft_routing", "mlp_dwconv"}) {
    if (c.Bool(key, false)) c.Fail(key, "must be false");
  }
  if (!c.Bool("pre_norm", true)) c.Fail("pre_norm", "must be true");
  if (c.Text("param_attention", "qkvo") != "qkvo") c.Fail("param_attention", "must be 'qkvo'");
  for (const char* key : {"pe", "qk_scale", "representation_size"}) {
    if (c.Has(key)) c.Fail(key, "must be null");
  }
}

}  // namespace

StatusOr<EncoderSpec> ReadBiFormer(const Json& config) {
  ConfigReader c(config, "config.json");
  vision::BiFormerSpec s;
  s.depths = FourInts(c, "depth", 0, 128, {3, 4, 8, 3});
  s.dims = FourInts(c, "embed_dim", 2, 8192, {64, 128, 320, 512});
  s.head_width = c.Int("head_dim", 1, 1024, 64);
  s.regions = static_cast<int32_t>(c.Int("n_win", 1, 64, 7));
  s.top_regions = FourInts(c, "topks", -2, 4096, {8, 8, -1, -1});
  s.local_kernel = c.Int("side_dwconv", 0, 31, 5);
  s.position_kernel = c.Int("before_attn_dwconv", 0, 3, 3);
  s.layer_scale = c.Real("layer_scale_init_value", -1, 1e6, -1) > 0;
  s.pad_maps = c.Bool("auto_pad", false);
  s.classes = ReadClasses(c);
  std::array<int64_t, 4> wide = FourInts(c, "qk_dims", 1, 8192, s.dims);
  std::vector<double> ratios = c.Reals("mlp_ratios", 4);
  for (size_t i = 0; i < 4; ++i) {
    double ratio = ratios.size() == 4 ? ratios[i] : 4;
    if (!(ratio > 0 && ratio <= 64)) {
      c.Fail("mlp_ratios", "must lie in (0, 64]");
      ratio = 1;
    }
    s.ffn[i] = static_cast<int64_t>(ratio * static_cast<double>(s.dims[i]));
    int64_t width = s.top_regions[i] > 0 ? s.head_width : 8;
    if (s.dims[i] % width) c.Fail("embed_dim", "must be multiples of the head width");
    if (wide[i] != s.dims[i]) c.Fail("qk_dims", "must equal embed_dim");
    if (s.top_regions[i] == 0 || s.top_regions[i] > int64_t{s.regions} * s.regions) {
      c.Fail("topks", "must be -2, -1 or 1 to n_win * n_win");
    }
  }
  if (s.local_kernel && s.local_kernel % 2 == 0) c.Fail("side_dwconv", "must be odd");
  if (s.position_kernel % 3) c.Fail("before_attn_dwconv", "must be 0 or 3");
  RefuseVariants(c);
  EncoderSpec out;
  out.pixels = ReadImageNetRule(c);
  SL_RETURN_IF_ERROR(c.status());
  out.probes = {"downsample_layers.0.0.weight"};
  out.unused = {"*.num_batches_tracked"};
  out.load = [s](const vision::WeightSource& w) { return vision::LoadBiFormer(s, w); };
  return out;
}

}  // namespace sightline
