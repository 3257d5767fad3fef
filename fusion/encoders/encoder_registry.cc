#include "fusion/encoders/encoder_registry.h"

#include <algorithm>
#include <filesystem>

#include "fusion/encoders/readers.h"
#include "fusion/families/image_config.h"

namespace sightline {

const std::vector<EncoderArchitecture>& EncoderArchitectures() {
  static const std::vector<EncoderArchitecture> rows = {
      {"biformer", {"biformer"}, ReadBiFormer, BiFormerSizes},
      {"dinat", {"dinat", "nat"}, ReadDinat, DinatSizes},
      {"fastervit", {"fastervit", "faster_vit"}, ReadFasterVit, FasterVitSizes},
      {"shvit", {"shvit"}, ReadShvit, ShvitSizes},
      {"clip", {"clip", "clip_vision_model"}, ReadClip, NoSizes},
      {"siglip", {"siglip", "siglip_vision_model"}, ReadSiglip, NoSizes},
      {"qwen2_5_vl", {"qwen2_5_vl"}, ReadQwen25Encoder, NoSizes},
      {"qwen3_vl", {"qwen3_vl"}, ReadQwen3Encoder, NoSizes},
  };
  return rows;
}

std::array<int64_t, 4> FourInts(const ConfigReader& c, const std::string& key, int64_t low,
                                int64_t high, const std::array<int64_t, 4>& fallback) {
  if (!c.Has(key)) return fallback;
  std::vector<int64_t> v = c.Ints(key, 4, low, high);
  if (v.size() != 4) {
    c.Fail(key, "must hold four numbers");
    return fallback;
  }
  return {v[0], v[1], v[2], v[3]};
}

int64_t ReadClasses(const ConfigReader& c) {
  int64_t labels = 1000;
  auto names = c.json().find("id2label");
  if (names != c.json().end() && names->is_object()) labels = static_cast<int64_t>(names->size());
  return c.Int("num_classes", 0, 1 << 20, c.Int("num_labels", 0, 1 << 20, labels));
}

StatusOr<const EncoderArchitecture*> FindEncoder(const std::string& name, const Json& config) {
  ConfigReader c(config, "config.json");
  std::string size = c.Text("architecture", ""), type = c.Text("model_type", "");
  SL_RETURN_IF_ERROR(c.status());
  for (const std::string& asked : {name, size, type}) {
    if (asked.empty()) continue;
    for (const EncoderArchitecture& row : EncoderArchitectures()) {
      const auto& types = row.model_types;
      if (asked == row.name || row.sizes().contains(asked) ||
          std::find(types.begin(), types.end(), asked) != types.end()) {
        return &row;
      }
    }
    return ErrorWithReason(absl::StatusCode::kUnimplemented, "ENCODER_UNKNOWN",
                           "'" + asked.substr(0, 60) + "' is not an image encoder of this build");
  }
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "ENCODER_UNKNOWN",
                         "config.json names neither architecture nor model_type");
}

vision::PixelRule ReadImageNetRule(const ConfigReader& config) {
  vision::PixelRule rule;
  ConfigReader nested(config, "pretrained_cfg");
  for (const ConfigReader* c : std::initializer_list<const ConfigReader*>{&nested, &config}) {
    std::vector<int64_t> input = c->Ints("input_size", 3, 1, 4096);
    if (input.size() == 3) {
      rule.height_px = static_cast<int>(input[1]);
      rule.width_px = static_cast<int>(input[2]);
    }
    if (c->Has("resolution")) {
      rule.height_px = rule.width_px = static_cast<int>(c->Int("resolution", 32, 4096));
    }
    rule.crop_share = c->Real("crop_pct", 0.05, 1, rule.crop_share);
    rule.squash = c->Text("crop_mode", rule.squash ? "squash" : "center") == "squash";
    std::vector<double> mean = c->Reals("mean", 3), std = c->Reals("std", 3);
    for (size_t i = 0; i < 3; ++i) {
      if (mean.size() == 3) rule.norm.mean[i] = static_cast<float>(mean[i]);
      if (std.size() == 3 && !(std[i] > 1e-6)) c->Fail("std", "must be positive");
      if (std.size() == 3) rule.norm.std[i] = static_cast<float>(std[i]);
    }
  }
  return rule;
}

Json WithPublishedSize(const EncoderArchitecture& row, const Json& config) {
  auto size = config.find("architecture");
  if (size == config.end() || !size->is_string()) return config;
  auto published = row.sizes().find(size->get<std::string>());
  if (published == row.sizes().end()) return config;
  Json whole = *published;
  whole.update(config);
  return whole;
}

namespace {

// A processor's config over the architecture's own rule: size, crop, filter, mean and std.
Status ReadProcessor(const Json& json, vision::PixelRule* rule) {
  ConfigReader c(json, "preprocessor_config.json");
  ImageConfig image = ReadImageConfig(c);
  if (c.Has("image_mean")) rule->norm.mean = image.norm.mean;
  if (c.Has("image_std")) rule->norm.std = image.norm.std;
  if (c.Has("resample")) rule->filter = image.filter;
  if (rule->multiple_px > 0) {  // a budget of pixels instead of sides
    constexpr int64_t kMost = int64_t{1} << 32;
    ConfigReader size(c, "size");
    int64_t least = size.Int("shortest_edge", 1, kMost, rule->min_pixels);
    int64_t most = size.Int("longest_edge", 1, kMost, rule->max_pixels);
    rule->min_pixels = c.Int("min_pixels", 1, kMost, least);
    rule->max_pixels = c.Int("max_pixels", 1, kMost, most);
    return c.status();
  }
  SL_RETURN_IF_ERROR(c.status());
  auto side = [&](const char* key) -> int64_t {  // of {"shortest_edge": n} or a number
    if (!json.contains(key)) return 0;
    if (json[key].is_number()) return c.Int(key, 1, 4096);
    ConfigReader part(c, key);
    return part.Int("shortest_edge", 1, 4096, part.Int("height", 1, 4096, 0));
  };
  int64_t resized = side("size"), crop = c.Bool("do_center_crop", true) ? side("crop_size") : 0;
  SL_RETURN_IF_ERROR(c.status());
  if (resized == 0) return absl::OkStatus();
  bool both = json["size"].is_object() && json["size"].contains("height");
  int64_t kept = crop > 0 ? crop : resized;
  if (kept > resized) {
    c.Fail("crop_size", "must not exceed size");
    return c.status();
  }
  rule->height_px = rule->width_px = static_cast<int>(kept);
  rule->crop_share = static_cast<double>(kept) / static_cast<double>(resized);
  rule->squash = both || crop == 0;
  rule->floor_offsets = true;
  return absl::OkStatus();
}

std::vector<std::string> ReadLabels(const Json& config, int64_t classes) {
  auto names = config.find("id2label");
  if (names == config.end() || !names->is_object()) return {};
  std::vector<std::string> labels;
  for (int64_t i = 0; i < classes; ++i) {
    auto it = names->find(std::to_string(i));
    labels.push_back(it != names->end() && it->is_string() ? it->get<std::string>() : "");
  }
  return labels;
}

Status MapAny(const EncoderSpec& spec, Checkpoint* weights) {
  Status first;
  for (const std::string& probe : spec.probes) {
    Status s = weights->Map({{"encoder", probe, spec.prefixes}});
    if (s.ok()) return s;
    first.Update(s);
  }
  return first;
}

std::string FolderName(const std::string& directory) {
  std::filesystem::path p = std::filesystem::path(directory).lexically_normal();
  return (p.has_filename() ? p : p.parent_path()).filename().string();
}

}  // namespace

StatusOr<std::unique_ptr<vision::ImageEncoder>> LoadImageEncoder(const std::string& directory,
                                                                 const std::string& name,
                                                                 const Device& device) {
  SL_ASSIGN_OR_RETURN(Json config, ReadJsonFile(directory, "config.json"));
  bool says = config.contains("architecture") || config.contains("model_type");
  std::string asked = !name.empty() ? name : says ? "" : FolderName(directory);
  SL_ASSIGN_OR_RETURN(const EncoderArchitecture* row, FindEncoder(asked, config));
  SL_ASSIGN_OR_RETURN(EncoderSpec spec, row->read(WithPublishedSize(*row, config)));
  for (const char* file : {"preprocessor_config.json", "processor_config.json"}) {
    std::error_code none;
    if (!std::filesystem::exists(directory + "/" + file, none)) continue;
    SL_ASSIGN_OR_RETURN(Json processor, ReadJsonFile(directory, file));
    SL_RETURN_IF_ERROR(ReadProcessor(ImageProcessorJson(processor), &spec.pixels));
    break;
  }
  SL_ASSIGN_OR_RETURN(auto weights, Checkpoint::Open(directory));
  SL_RETURN_IF_ERROR(MapAny(spec, weights.get()));
  Checkpoint* w = weights.get();
  vision::WeightSource source{PartReader(w, "encoder"),
                              [w](const std::string& n) { return w->Has("encoder", n); }, device};
  SL_ASSIGN_OR_RETURN(auto encoder, spec.load(source));
  SL_RETURN_IF_ERROR(weights->CheckAllRead(spec.unused));
  encoder->mutable_info()->pixels = spec.pixels;
  encoder->mutable_info()->labels = ReadLabels(config, encoder->info().classes);
  return encoder;
}

}  // namespace sightline
