#include "fusion/families/scenes.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace sightline {
namespace {

Status Bad(const std::string& what) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MODEL_CONFIG_INVALID", what);
}

using Json = nlohmann::json;

int64_t Int(const Json& j, const char* key, int64_t fallback) {
  return j.is_object() && j.contains(key) && j[key].is_number() ? j[key].get<int64_t>() : fallback;
}
double Real(const Json& j, const char* key, double fallback) {
  return j.is_object() && j.contains(key) && j[key].is_number() ? j[key].get<double>() : fallback;
}
Json Part(const Json& j, const char* key) {
  return j.is_object() && j.contains(key) ? j[key] : Json::object();
}

bool ReadCanvases(const Json& j, std::vector<vision::Canvas>* out) {
  if (!j.is_array()) return false;
  for (const auto& c : j) {
    if (!c.is_array() || c.size() != 2 || !c[0].is_number_integer() || !c[1].is_number_integer())
      return false;
    int w = c[0].get<int>(), h = c[1].get<int>();
    if (w < 64 || h < 64 || w > 4096 || h > 4096) return false;
    out->push_back({w, h});
  }
  return !out->empty();
}

void ReadVision(const Json& v, vision::ScenesVisionSpec* s) {
  Json one = Part(v, "stage1"), two = Part(v, "stage2"), three = Part(v, "stage3");
  if (v.is_object() && v.contains("stem_channels") && v["stem_channels"].is_array() &&
      v["stem_channels"].size() == 2) {
    s->stem0 = v["stem_channels"][0].get<int64_t>();
    s->stem1 = v["stem_channels"][1].get<int64_t>();
  }
  s->dim1 = Int(one, "dim", s->dim1);
  s->heads1 = Int(one, "heads", s->heads1);
  s->kernel = Int(one, "kernel", s->kernel);
  if (one.contains("dilations") && one["dilations"].is_array())
    s->dilations = one["dilations"].get<std::vector<int32_t>>();
  s->dim2 = Int(two, "dim", s->dim2);
  s->heads2 = Int(two, "heads", s->heads2);
  s->n_win = Int(two, "n_win", s->n_win);
  s->topk = Int(two, "topk", s->topk);
  s->depth2 = Int(two, "depth", s->depth2);
  s->mlp_ratio = Int(two, "mlp_ratio", s->mlp_ratio);
  s->depth3 = Int(three, "depth", s->depth3);
  s->heads3 = Int(three, "heads", s->heads3);
  s->window = Int(three, "window", s->window);
  s->carrier = Int(three, "carrier", s->carrier);
  s->carrier_mlp_ratio = Int(three, "carrier_mlp_ratio", s->carrier_mlp_ratio);
  s->domain_hidden = Int(v, "domain_hidden", s->domain_hidden);
}

}  // namespace

StatusOr<std::string> ReadSmallFile(const std::string& path, size_t limit) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return ErrorWithReason(
        absl::StatusCode::kNotFound, "MODEL_FILE_MISSING",
        "the model directory lacks " + std::filesystem::path(path).filename().string());
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (text.size() > limit)
    return Bad(std::filesystem::path(path).filename().string() + " is too large");
  return text;
}

StatusOr<ModelSpec> ReadScenesSpec(const std::string& directory) {
  SL_ASSIGN_OR_RETURN(std::string config_text, ReadSmallFile(directory + "/config.json"));
  SL_ASSIGN_OR_RETURN(std::string pre_text, ReadSmallFile(directory + "/preprocessor_config.json"));
  Json config = Json::parse(config_text, nullptr, false),
       pre = Json::parse(pre_text, nullptr, false);
  if (!config.is_object() || !pre.is_object())
    return Bad("config.json and preprocessor_config.json must be JSON objects");
  if (!config.contains("model_type") || config["model_type"] != "scenes")
    return Bad("config.json: model_type is not one this build runs (scenes)");
  ModelSpec spec;
  spec.name = std::filesystem::path(directory).lexically_normal().filename().string();
  if (spec.name.empty()) spec.name = "scenes";
  Json v = Part(config, "vision_config");
  ReadVision(v, &spec.vision);
  spec.frame_neighbours = v.contains("frame_neighbours") && v["frame_neighbours"] == true;
  Json t = Part(config, "text_config");
  spec.text.hidden = Int(t, "hidden_size", 0);
  spec.text.ffn = Int(t, "intermediate_size", 0);
  spec.text.layers = Int(t, "num_hidden_layers", 0);
  spec.text.heads = Int(t, "num_attention_heads", 0);
  spec.text.kv_heads = Int(t, "num_key_value_heads", spec.text.heads);
  spec.text.head_dim = Int(t, "head_dim", spec.text.heads ? spec.text.hidden / spec.text.heads : 0);
  spec.text.vocab = Int(t, "vocab_size", 0);
  spec.text.context = Int(t, "max_position_embeddings", 4096);
  spec.text.rms_eps = static_cast<float>(Real(t, "rms_norm_eps", 1e-6));
  spec.text.rope_theta = static_cast<float>(Real(t, "rope_theta", 10000));
  spec.text.tied = !t.contains("tie_word_embeddings") || t["tie_word_embeddings"] == true;
  spec.vision_prefix = "vision.";
  spec.projector_prefix = "projector.";
  spec.text_prefix = "model.";
  if (!pre.contains("image_canvases") || !ReadCanvases(pre["image_canvases"], &spec.image_canvases))
    return Bad("preprocessor_config.json: image_canvases must list [width, height] pairs");
  if (!pre.contains("frame_canvases") || !ReadCanvases(pre["frame_canvases"], &spec.frame_canvases))
    return Bad("preprocessor_config.json: frame_canvases must list [width, height] pairs");
  Json video = Part(pre, "video");
  spec.frames_per_second = Real(video, "frames_per_second", 2);
  spec.min_frames = static_cast<int>(Int(video, "min_frames", 4));
  spec.max_frames = static_cast<int>(Int(video, "max_frames", 32));
  return spec;
}

}  // namespace sightline
