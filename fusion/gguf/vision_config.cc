#include "fusion/gguf/vision_config.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "fusion/gguf/fields.h"

namespace sightline {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 32;

// Keys of llama.cpp's conversion/base.py (MmprojModel), conversion/qwenvl.py, qwen3vl.py and
// smolvlm.py; read back in tools/mtmd/clip.cpp. What no key says is what the published configs have
// in common.
class VisionReader {
 public:
  VisionReader(const GgufModel& m, Status* status)
      : m_(m),
        status_(status),
        f_(*m.vision, "clip.vision.", status),
        tokens_(m.text(), "tokenizer.ggml.", status) {}

  void Read(const std::string& family, Json text, ModelConfigs* out) {
    Sizes(text["hidden_size"].get<int64_t>());
    Normalisation();
    out->config = Json::object();
    if (family == "smolvlm") {
      Smol(&out->config);
    } else {
      Qwen(family, &out->config);
    }
    out->config["tie_word_embeddings"] = text["tie_word_embeddings"];
    out->config["text_config"] = std::move(text);
    out->config["vision_config"] = std::move(vision_);
    out->processor = std::move(processor_);
  }

 private:
  void Sizes(int64_t text_hidden) {
    hidden_ = f_.Int("embedding_length", 8, 1 << 14);
    heads_ = f_.Int("attention.head_count", 1, 256);
    layers_ = f_.Int("block_count", 1, 256);
    patch_ = f_.Int("patch_size", 1, 256);
    if (hidden_ % heads_) f_.Fail("attention.head_count", "must divide embedding_length");
    if (f_.Int("projection_dim", 1, 1 << 16, text_hidden) != text_hidden)
      f_.Fail("projection_dim",
              absl::StrCat("must be the text model's embedding_length, ", text_hidden));
    vision_ = {{"hidden_size", hidden_}, {"patch_size", patch_}};
    vision_["intermediate_size"] = f_.Int("feed_forward_length", 8, 1 << 17);
  }

  void Normalisation() {
    for (const char* key : {"image_mean", "image_std"}) {
      std::vector<double> v = f_.Reals(key, 3, -10, 10);
      if (v.size() != 3) f_.Fail(key, "must be three numbers");
      processor_[key] = v;
    }
    for (double v : processor_["image_std"].get<std::vector<double>>()) {
      if (!(v > 1e-6)) f_.Fail("image_std", "must be positive");
    }
  }

  void Qwen(const std::string& family, Json* config) {
    bool third = family == "qwen3_vl";
    if (hidden_ % (4 * heads_))
      f_.Fail("attention.head_count", "must divide embedding_length into multiples of 4");
    vision_["depth"] = layers_;
    vision_["num_heads"] = heads_;
    vision_["spatial_merge_size"] = f_.Int("spatial_merge_size", 1, 16, 2);
    vision_["temporal_patch_size"] = 2;
    if (third) {
      Deepstack();
      // The table of positions says its own size.
      const auto& tensors = m_.vision->table().tensors;
      auto places = tensors.find("v.position_embd.weight");
      if (places == tensors.end() || places->second.shape.size() != 2 ||
          !Square(places->second.shape[0])) {
        GgufFields(*m_.vision, "", status_)
            .Fail("v.position_embd.weight", "must be a table of a square of places");
      } else {
        vision_["num_position_embeddings"] = places->second.shape[0];
      }
    } else {
      Windows();
    }
    Budgets(third);
    (*config)["image_token_id"] = Token("<|image_pad|>");
    (*config)["video_token_id"] = Token("<|video_pad|>");
  }

  // Every n-th layer sees the whole picture; the window is no key of published files.
  void Windows() {
    int64_t pattern = f_.Int("n_wa_pattern", 0, 256, 0), merge = vision_["spatial_merge_size"];
    int64_t window = f_.Int("window_size", 1, 1 << 14, 112);
    if (window / merge / patch_ < 1) f_.Fail("window_size", "is smaller than a merge unit");
    vision_["window_size"] = window;
    vision_["fullatt_block_indexes"] = Json::array();
    for (int64_t i = 0; i < layers_; ++i) {
      if (pattern == 0 || (i + 1) % pattern == 0) vision_["fullatt_block_indexes"].push_back(i);
    }
  }

  void Deepstack() {
    std::vector<bool> marked = f_.Bools("is_deepstack_layers", 256);
    vision_["deepstack_visual_indexes"] = Json::array();
    for (size_t i = 0; i < marked.size(); ++i) {
      if (!marked[i]) continue;
      if (static_cast<int64_t>(i) >= layers_)
        f_.Fail("is_deepstack_layers", "marks a layer beyond block_count");
      vision_["deepstack_visual_indexes"].push_back(i);
    }
    GgufFields text(m_.text(), "qwen3vl.", status_);
    auto count = static_cast<int64_t>(vision_["deepstack_visual_indexes"].size());
    if (text.Int("n_deepstack_layers", 0, 256, count) != count)
      f_.Fail("is_deepstack_layers", "marks another number of layers than the text model takes");
  }

  // Pixels of the published processors; the two keys speak of images.
  void Budgets(bool third) {
    int64_t least = third ? 65536 : 3136, most = third ? 16777216 : 12845056;
    processor_["min_pixels"] = f_.Int("image_min_pixels", 1, kMostPixels, least);
    processor_["max_pixels"] = f_.Int("image_max_pixels", 1, kMostPixels, most);
    Json clip = processor_;
    clip["min_pixels"] = third ? 4096 : 100352;
    clip["max_pixels"] = third ? 25165824 : 602112;
    processor_["video_processor"] = std::move(clip);
  }

  void Smol(Json* config) {
    int64_t image = f_.Int("image_size", 1, 4096);
    int64_t scale = f_.Int("projector.scale_factor", 1, 64, 2);
    if (patch_ > image) f_.Fail("patch_size", "must not exceed image_size");
    if (image / patch_ % scale) f_.Fail("projector.scale_factor", "must divide the tower's grid");
    vision_["num_hidden_layers"] = layers_;
    vision_["num_attention_heads"] = heads_;
    vision_["image_size"] = image;
    vision_["layer_norm_eps"] = f_.Real("attention.layer_norm_epsilon", 0, 1);
    vision_["hidden_act"] = "gelu_pytorch_tanh";
    (*config)["scale_factor"] = scale;
    (*config)["image_token_id"] = Token("<image>");
    processor_["size"] = {{"longest_edge", f_.Int("preproc_image_size", 1, 16384, 4 * image)}};
    processor_["max_image_size"] = {{"longest_edge", image}};
  }

  int64_t Token(const std::string& text) {
    auto tokens = m_.text().Strings("tokenizer.ggml.tokens");
    for (size_t i = 0; tokens.ok() && i < (*tokens)->size() && i < 1 << 22; ++i) {
      if ((**tokens)[i] == text) return static_cast<int64_t>(i);
    }
    tokens_.Fail("tokens", "lack '" + text + "', where visual tokens stand");
    return 0;
  }

  static bool Square(int64_t n) {
    auto side = static_cast<int64_t>(std::llround(std::sqrt(static_cast<double>(n))));
    return n <= 1 << 20 && side * side == n;
  }

  const GgufModel& m_;
  Status* status_;
  GgufFields f_, tokens_;
  int64_t hidden_ = 0, heads_ = 0, layers_ = 0, patch_ = 0;
  Json vision_, processor_ = Json::object();
};

}  // namespace

Status ReadGgufVision(const GgufModel& model, const std::string& family, Json text,
                      ModelConfigs* configs) {
  Status status;
  VisionReader(model, &status).Read(family, std::move(text), configs);
  return status;
}

}  // namespace sightline
