// FasterViT: constructor arguments of the published class -> spec (specs/vision.md 1.3).
#include "fusion/encoders/readers.h"
#include "vision/encoders/fastervit.h"

namespace sightline {
namespace {

constexpr int64_t kMostCarriers = 4096;  // all carriers of a level read one another

Json ArgumentsOf(std::array<int64_t, 4> depths, int64_t dim, int64_t in_dim, int64_t heads,
                 bool scaled) {
  Json j = {{"depths", depths},
            {"num_heads", {heads, 2 * heads, 4 * heads, 8 * heads}},
            {"window_size", {7, 7, 7, 7}},
            {"ct_size", 2},
            {"dim", dim},
            {"in_dim", in_dim},
            {"mlp_ratio", 4},
            {"resolution", 224},
            {"hat", {false, false, true, false}},
            {"crop_pct", 1.0}};
  if (scaled) {
    j["layer_scale"] = 1e-5;
    j["do_propagation"] = true;
  }
  return j;
}

std::array<bool, 4> ReadHierarchical(const ConfigReader& c) {
  std::array<bool, 4> flags{false, false, true, false};
  auto given = c.json().find("hat");
  if (given == c.json().end()) return flags;
  if (given->is_null()) return {true, true, true, true};
  bool fits = given->is_array() && given->size() == 4;
  for (size_t i = 0; fits && i < 4; ++i) {
    fits = (*given)[i].is_boolean();
    if (fits) flags[i] = (*given)[i].get<bool>();
  }
  if (!fits) c.Fail("hat", "must hold four flags");
  return flags;
}

void CheckMaps(const ConfigReader& c, const vision::FasterVitSpec& s) {
  if (s.resolution % 32) c.Fail("resolution", "must be a multiple of 32");
  for (size_t l = 2; l < 4 && c.status().ok(); ++l) {
    int64_t side = s.map_side(l), windows = side / s.windows[l];
    if (side % s.windows[l]) c.Fail("window_size", "must divide the maps of the last two levels");
    if ((s.dim << l) % s.heads[l]) c.Fail("num_heads", "must divide the width of its level");
    if (!s.hierarchical[l] || windows < 2) continue;
    if (s.carriers > s.windows[l]) c.Fail("ct_size", "must not exceed window_size");
    int64_t carriers = s.carriers * windows;
    if (carriers * carriers > kMostCarriers) c.Fail("ct_size", "makes too many carrier tokens");
  }
}

}  // namespace

const Json& FasterVitSizes() {
  static const Json sizes = [] {
    Json all = Json::object();
    all["faster_vit_0_224"] = ArgumentsOf({2, 3, 6, 5}, 64, 64, 2, false);
    all["faster_vit_0_224"]["crop_pct"] = 0.875;
    all["faster_vit_1_224"] = ArgumentsOf({1, 3, 8, 5}, 80, 32, 2, false);
    all["faster_vit_2_224"] = ArgumentsOf({3, 3, 8, 5}, 96, 64, 2, false);
    all["faster_vit_3_224"] = ArgumentsOf({3, 3, 12, 5}, 128, 64, 2, true);
    all["faster_vit_4_224"] = ArgumentsOf({3, 3, 12, 5}, 196, 64, 4, true);
    all["faster_vit_5_224"] = ArgumentsOf({3, 3, 12, 5}, 320, 64, 4, true);
    all["faster_vit_6_224"] = ArgumentsOf({3, 3, 16, 8}, 320, 64, 4, true);
    for (auto [side, window, last, crop] : std::initializer_list<std::tuple<int, int, int, double>>{
             {224, 14, 7, 0.95}, {384, 24, 12, 1.0}, {512, 32, 16, 1.0}, {768, 48, 24, 0.93}}) {
      Json& big = all["faster_vit_4_21k_" + std::to_string(side)];
      big = all["faster_vit_4_224"];
      big["resolution"] = side;
      big["window_size"] = {7, 7, window, last};
      big["hat"] = {false, false, false, false};
      big["crop_pct"] = crop;
      big["crop_mode"] = "squash";
    }
    return all;
  }();
  return sizes;
}

StatusOr<EncoderSpec> ReadFasterVit(const Json& config) {
  ConfigReader c(config, "config.json");
  vision::FasterVitSpec s;
  s.dim = c.Int("dim", 1, 2048);
  s.stem = c.Int("in_dim", 1, 2048);
  s.depths = FourInts(c, "depths", 0, 128, s.depths);
  s.heads = FourInts(c, "num_heads", 1, 512, s.heads);
  s.windows = FourInts(c, "window_size", 2, 256, s.windows);
  s.carriers = c.Int("ct_size", 1, 64, 2);
  s.hierarchical = ReadHierarchical(c);
  s.mlp_ratio = c.Real("mlp_ratio", 0.1, 64, 4);
  s.resolution = c.Int("resolution", 32, 2048, 224);
  s.qkv_bias = c.Bool("qkv_bias", true);
  s.layer_scale = c.Has("layer_scale");
  s.conv_layer_scale = c.Has("layer_scale_conv");
  s.propagate = c.Bool("do_propagation", false);
  s.last_layer_norm = c.Bool("layer_norm_last", false);
  s.scale = c.Real("qk_scale", 1e-6, 1e6, 0);
  s.classes = ReadClasses(c);
  CheckMaps(c, s);
  EncoderSpec out;
  out.pixels = ReadImageNetRule(c);
  SL_RETURN_IF_ERROR(c.status());
  out.probes = {"patch_embed.conv_down.0.weight"};
  // Constants that the position networks give, which a checkpoint may hold stale, and an alias.
  out.unused = {"*.num_batches_tracked", "*.relative_bias", "*.relative_coords_table",
                "*.relative_position_index", "*.to_global_feature.pos.*"};
  out.load = [s](const vision::WeightSource& w) { return vision::LoadFasterVit(s, w); };
  return out;
}

}  // namespace sightline
