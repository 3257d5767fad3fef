// SHViT: constructor arguments of the published class -> spec (specs/vision.md 2.3).
#include "fusion/encoders/readers.h"
#include "vision/encoders/shvit.h"

namespace sightline {

const Json& ShvitSizes() {
  static const Json sizes = [] {
    Json all = Json::object();
    auto add = [&](const char* name, Json dims, Json depths, Json attended, int side) {
      all[name] = {{"embed_dim", dims},      {"depth", depths},          {"partial_dim", attended},
                   {"qk_dim", {16, 16, 16}}, {"types", {"i", "s", "s"}}, {"resolution", side}};
    };
    add("shvit_s1", {128, 224, 320}, {2, 4, 5}, {32, 48, 68}, 224);
    add("shvit_s2", {128, 308, 448}, {2, 4, 5}, {32, 66, 96}, 224);
    add("shvit_s3", {192, 352, 448}, {3, 5, 5}, {48, 75, 96}, 224);
    add("shvit_s4", {224, 336, 448}, {4, 7, 6}, {48, 72, 96}, 256);
    return all;
  }();
  return sizes;
}

namespace {

std::array<int64_t, 3> ThreeInts(const ConfigReader& c, const std::string& key, int64_t low,
                                 int64_t high, const std::array<int64_t, 3>& fallback) {
  if (!c.Has(key)) return fallback;
  std::vector<int64_t> v = c.Ints(key, 3, low, high);
  if (v.size() != 3) {
    c.Fail(key, "must hold three numbers");
    return fallback;
  }
  return {v[0], v[1], v[2]};
}

}  // namespace

StatusOr<EncoderSpec> ReadShvit(const Json& config) {
  ConfigReader c(config, "config.json");
  vision::ShvitSpec s;
  s.dims = ThreeInts(c, "embed_dim", 8, 8192, {128, 256, 384});
  s.attended = ThreeInts(c, "partial_dim", 1, 8192, {32, 64, 96});
  s.key_width = ThreeInts(c, "qk_dim", 1, 1024, {16, 16, 16});
  s.depths = ThreeInts(c, "depth", 0, 128, {1, 2, 3});
  std::vector<std::string> types = c.Texts("types", 3);
  if (types.empty()) types = {"s", "s", "s"};
  if (types.size() != 3) c.Fail("types", "must hold three kinds of block");
  for (size_t g = 0; g < 3 && types.size() == 3; ++g) {
    s.attends[g] = types[g] == "s";
    if (types[g] != "s" && types[g] != "i") c.Fail("types", "must be 's' or 'i'");
    if (s.attended[g] > s.dims[g]) c.Fail("partial_dim", "must not exceed embed_dim");
  }
  if (s.dims[0] % 8) c.Fail("embed_dim", "must begin with a multiple of 8");
  s.distilled = c.Bool("distillation", false);
  s.classes = ReadClasses(c);
  EncoderSpec out;
  out.pixels = ReadImageNetRule(c);
  SL_RETURN_IF_ERROR(c.status());
  out.probes = {"patch_embed.0.c.weight"};
  out.unused = {"*.num_batches_tracked"};
  out.load = [s](const vision::WeightSource& w) { return vision::LoadShvit(s, w); };
  return out;
}

}  // namespace sightline
