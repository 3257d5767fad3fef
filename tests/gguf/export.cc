#include "tests/gguf/export.h"

#include <filesystem>
#include <fstream>

#include "compute/base/check.h"
#include "compute/weights/safetensors.h"

namespace sightline {
namespace {

using Json = nlohmann::json;
using Shape = std::vector<int64_t>;

Json ReadJson(const std::string& path) {
  std::ifstream in(path);
  return in.good() ? Json::parse(in) : Json::object();
}

bool Cut(std::string* text, const std::string& prefix) {
  if (!text->starts_with(prefix)) return false;
  *text = text->substr(prefix.size());
  return true;
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  size_t at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

// Rows of a head: (half, pair) -> (pair, half).
std::vector<float> Permuted(const Tensor& t, int64_t heads) {
  int64_t rows = t.shape[0], k = static_cast<int64_t>(t.data.size()) / rows, d = rows / heads;
  std::vector<float> out(t.data.size());
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t half = 0; half < 2; ++half) {
      for (int64_t pair = 0; pair < d / 2; ++pair) {
        auto from = t.data.begin() + (h * d + half * d / 2 + pair) * k;
        std::copy_n(from, k, out.begin() + (h * d + pair * 2 + half) * k);
      }
    }
  }
  return out;
}

class Exporter {
 public:
  Exporter(const std::string& directory, const GgufExport& options)
      : options_(options),
        config_(ReadJson(directory + "/config.json")),
        generation_(ReadJson(directory + "/generation_config.json")),
        processor_(ReadJson(directory + "/processor_config.json")),
        tokenizer_(ReadJson(directory + "/tokenizer.json")),
        text_(config_.contains("text_config") ? config_["text_config"] : config_) {
    auto file = WeightFile::Open(directory + "/model.safetensors");
    SL_CHECK(file.ok());
    file_ = *file;
    type_ = config_["model_type"];
    arch_ = type_ == "qwen2_5_vl"                    ? "qwen2vl"
            : type_ == "qwen3_vl"                    ? "qwen3vl"
            : type_ == "smolvlm" || type_ == "llama" ? "llama"
                                                     : type_;
  }

  std::string Write(const std::string& folder) {
    TextKeys();
    bool seen = config_.contains("vision_config");
    if (seen) VisionKeys();
    for (const auto& [name, info] : file_->tensors()) Tensor(name, info.shape);
    SL_CHECK(model_.Write(folder + "/model.gguf").ok());
    if (seen) SL_CHECK(vision_.Write(folder + "/mmproj-model.gguf").ok());
    return folder + "/model.gguf";
  }

 private:
  uint32_t Int(const Json& j, const char* key) { return j[key].get<uint32_t>(); }

  void TextKeys() {
    GgufWriter& w = model_;
    std::string p = arch_ + ".";
    w.String("general.architecture", arch_);
    w.Uint(p + "block_count", Int(text_, "num_hidden_layers"));
    w.Uint(p + "context_length", Int(text_, "max_position_embeddings"));
    w.Uint(p + "embedding_length", Int(text_, "hidden_size"));
    w.Uint(p + "feed_forward_length", Int(text_, "intermediate_size"));
    w.Uint(p + "attention.head_count", Int(text_, "num_attention_heads"));
    w.Uint(p + "attention.head_count_kv", Int(text_, "num_key_value_heads"));
    w.Float(p + "attention.layer_norm_rms_epsilon", text_["rms_norm_eps"].get<float>());
    if (text_.contains("head_dim")) {
      w.Uint(p + "attention.key_length", Int(text_, "head_dim"));
      w.Uint(p + "attention.value_length", Int(text_, "head_dim"));
    }
    const Json& rope = text_["rope_parameters"];
    w.Float(p + "rope.freq_base", rope["rope_theta"].get<float>());
    if (rope.contains("mrope_section")) {
      auto sections = rope["mrope_section"].get<std::vector<int32_t>>();
      sections.resize(4);
      w.Ints(p + "rope.dimension_sections", sections);
    }
    if (rope["rope_type"] == "llama3") RopeFactors(rope);
    w.Uint("tokenizer.ggml.eos_token_id", Int(generation_, "eos_token_id"));
    if (tokenizer_.contains("model")) ExportTokenizer(tokenizer_, text_["vocab_size"], &w);
  }

  // By wave length, as the converter works them out.
  void RopeFactors(const Json& rope) {
    double dim = text_["head_dim"], base = rope["rope_theta"], factor = rope["factor"],
           low = rope["low_freq_factor"], high = rope["high_freq_factor"],
           context = rope["original_max_position_embeddings"];
    std::vector<float> factors;
    for (double i = 0; i < dim; i += 2) {
      double wave = 2 * 3.14159265358979323846 * std::pow(base, i / dim);
      double smooth = (context / wave - low) / (high - low);
      factors.push_back(static_cast<float>(wave < context / high ? 1
                                           : wave > context / low
                                               ? factor
                                               : 1 / ((1 - smooth) / factor + smooth)));
    }
    ExportTensor("rope_freqs.weight", BlockFormat::kF32, {static_cast<int64_t>(dim / 2)}, factors,
                 &model_);
  }

  void VisionKeys() {
    GgufWriter& w = vision_;
    const Json& v = config_["vision_config"];
    const Json& images = processor_["image_processor"];
    std::string p = "clip.vision.";
    w.String("general.architecture", "clip");
    w.Bool("clip.has_vision_encoder", true);
    w.Uint(p + "projection_dim", Int(text_, "hidden_size"));
    w.Uint(p + "patch_size", Int(v, "patch_size"));
    w.Uint(p + "embedding_length", Int(v, "hidden_size"));
    w.Uint(p + "feed_forward_length", Int(v, "intermediate_size"));
    bool smol = type_ == "smolvlm";
    w.Uint(p + "block_count", Int(v, smol ? "num_hidden_layers" : "depth"));
    w.Uint(p + "attention.head_count", Int(v, smol ? "num_attention_heads" : "num_heads"));
    w.Floats(p + "image_mean", images["image_mean"].get<std::vector<float>>());
    w.Floats(p + "image_std", images["image_std"].get<std::vector<float>>());
    w.Float(p + "attention.layer_norm_epsilon", v.value("layer_norm_eps", 1e-6f));
    if (smol) {
      w.String("clip.projector_type", "idefics3");
      w.Uint(p + "image_size", Int(v, "image_size"));
      w.Uint(p + "projector.scale_factor", Int(config_, "scale_factor"));
      w.Uint(p + "preproc_image_size", Int(images["size"], "longest_edge"));
      return;
    }
    w.Uint(p + "image_min_pixels", Int(images["size"], "shortest_edge"));
    w.Uint(p + "image_max_pixels", Int(images["size"], "longest_edge"));
    if (type_ == "qwen2_5_vl") {
      w.String("clip.projector_type", "qwen2.5vl_merger");
      w.Uint(p + "n_wa_pattern", v["fullatt_block_indexes"][0].get<uint32_t>() + 1);
      w.Uint(p + "window_size", Int(v, "window_size"));
      return;
    }
    w.String("clip.projector_type", "qwen3vl_merger");
    w.Uint(p + "spatial_merge_size", Int(v, "spatial_merge_size"));
    std::vector<bool> deep(v["depth"].get<size_t>());
    for (size_t i : v["deepstack_visual_indexes"].get<std::vector<size_t>>()) deep[i] = true;
    w.Bools(p + "is_deepstack_layers", deep);
  }

  void Tensor(std::string name, const Shape& shape) {
    auto read = file_->Read(name, Shape(shape.size(), -1));
    SL_CHECK(read.ok());
    bool visual = name.find("visual.") != std::string::npos || name.starts_with("model.vision_") ||
                  name.starts_with("model.connector.");
    for (const char* prefix : {"model.language_model.", "model.text_model.", "model.visual.",
                               "visual.", "model.vision_model.", "model.connector.", "model."}) {
      if (Cut(&name, prefix)) break;
    }
    if (visual) {
      VisionTensor(name, *read);
    } else {
      TextTensor(name, *read);
    }
  }

  void TextTensor(const std::string& name, const sightline::Tensor& t) {
    std::string to = name;
    for (auto [from, with] : {std::pair{"layers.", "blk."},
                              {"embed_tokens", "token_embd"},
                              {"lm_head", "output"},
                              {"input_layernorm", "attn_norm"},
                              {"post_attention_layernorm", "ffn_norm"},
                              {"mlp.gate_proj", "ffn_gate"},
                              {"mlp.up_proj", "ffn_up"},
                              {"mlp.down_proj", "ffn_down"},
                              {"self_attn.q_proj", "attn_q"},
                              {"self_attn.k_proj", "attn_k"},
                              {"self_attn.v_proj", "attn_v"},
                              {"self_attn.o_proj", "attn_output"},
                              {"self_attn.q_norm", "attn_q_norm"},
                              {"self_attn.k_norm", "attn_k_norm"}})
      to = Replaced(to, from, with);
    if (to == "norm.weight") to = "output_norm.weight";
    bool q = to.find("attn_q.") != std::string::npos, k = to.find("attn_k.") != std::string::npos;
    int64_t heads = text_[q ? "num_attention_heads" : "num_key_value_heads"];
    Put(&model_, to, t.shape, arch_ == "llama" && (q || k) ? Permuted(t, heads) : t.data.Host());
  }

  void VisionTensor(const std::string& name, const sightline::Tensor& t) {
    if (name == "patch_embed.proj.weight") {  // [out, 3, 2, p, p] -> two of [out, 3, p, p]
      int64_t taps = t.shape[3] * t.shape[4], planes = t.shape[0] * t.shape[1];
      std::vector<float> frames[2];
      for (int64_t i = 0; i < 2 * planes; ++i)
        frames[i % 2].insert(frames[i % 2].end(), t.data.begin() + i * taps,
                             t.data.begin() + (i + 1) * taps);
      Shape shape = {t.shape[0], t.shape[1], t.shape[3], t.shape[4]};
      Put(&vision_, "v.patch_embd.weight", shape, frames[0]);
      Put(&vision_, "v.patch_embd.weight.1", shape, frames[1]);
      return;
    }
    if (type_ == "qwen2_5_vl" && name.find("attn.qkv") != std::string::npos) {
      size_t third = t.data.size() / 3;
      Shape shape = t.shape;
      shape[0] /= 3;
      for (size_t i = 0; i < 3; ++i) {
        auto begin = t.data.begin() + static_cast<int64_t>(i * third);
        std::string own = Replaced(name, "attn.qkv", std::string("attn_") + "qkv"[i]);
        Put(&vision_, Replaced(own, "blocks.", "v.blk."), shape,
            std::vector<float>(begin, begin + static_cast<int64_t>(third)));
      }
      return;
    }
    Put(&vision_, VisionName(name), t.shape, t.data.Host());
  }

  std::string VisionName(std::string n) {
    if (Cut(&n, "deepstack_merger_list.")) {
      size_t dot = n.find('.');
      const Json& layers = config_["vision_config"]["deepstack_visual_indexes"];
      int layer = layers[std::stoul(n.substr(0, dot))];
      n = "v.deepstack." + std::to_string(layer) + n.substr(dot);
      return Replaced(Replaced(n, "linear_fc1", "fc1"), "linear_fc2", "fc2");
    }
    for (auto [from, with] : {std::pair{"merger.ln_q", "v.post_ln"},
                              {"merger.norm", "v.post_ln"},
                              {"merger.mlp.", "mm."},
                              {"merger.linear_fc1", "mm.0"},
                              {"merger.linear_fc2", "mm.2"},
                              {"modality_projection.proj", "mm.model.fc"},
                              {"pos_embed", "v.position_embd"},
                              {"embeddings.patch_embedding", "v.patch_embd"},
                              {"embeddings.position_embedding", "v.position_embd"},
                              {"post_layernorm", "v.post_ln"},
                              {"patch_embed.proj", "v.patch_embd"},
                              {"encoder.layers.", "v.blk."},
                              {"blocks.", "v.blk."},
                              {"layer_norm1", "ln1"},
                              {"layer_norm2", "ln2"},
                              {"norm1", "ln1"},
                              {"norm2", "ln2"},
                              {"attn.qkv", "attn_qkv"},
                              {"self_attn.q_proj", "attn_q"},
                              {"self_attn.k_proj", "attn_k"},
                              {"self_attn.v_proj", "attn_v"},
                              {"self_attn.out_proj", "attn_out"},
                              {"attn.proj", "attn_out"},
                              {"mlp.gate_proj", "ffn_gate"},
                              {"mlp.up_proj", "ffn_up"},
                              {"mlp.down_proj", "ffn_down"},
                              {"mlp.linear_fc1", "ffn_up"},
                              {"mlp.linear_fc2", "ffn_down"},
                              {"mlp.fc1", "ffn_up"},
                              {"mlp.fc2", "ffn_down"}})
      n = Replaced(n, from, with);
    if (options_.swapped_mlp)
      n = n.find("ffn_up") != std::string::npos ? Replaced(n, "ffn_up", "ffn_down")
                                                : Replaced(n, "ffn_down", "ffn_up");
    return n;
  }

  void Put(GgufWriter* w, const std::string& name, const Shape& shape, std::vector<float> values) {
    std::string to = options_.rename ? options_.rename(name) : name;
    if (to.empty()) return;
    bool matrix = shape.size() >= 2 && name.ends_with(".weight") &&
                  shape.back() % TraitsOf(options_.format).values == 0;
    ExportTensor(to, matrix ? options_.format : BlockFormat::kF32, shape, std::move(values), w);
  }

  const GgufExport& options_;
  Json config_, generation_, processor_, tokenizer_, text_;
  std::shared_ptr<WeightFile> file_;
  std::string type_, arch_;
  GgufWriter model_, vision_;
};

}  // namespace

void ExportTensor(const std::string& name, BlockFormat format, const Shape& shape,
                  std::vector<float> values, GgufWriter* w) {
  w->Tensor(name, format, shape, [format, values = std::move(values)] {
    auto n = static_cast<int64_t>(values.size());
    std::string bytes(static_cast<size_t>(BytesOf(format, n)), '\0');
    QuantizeRow(format, values.data(), n, bytes.data());
    return bytes;
  });
}

std::string ExportGguf(const std::string& directory, const std::string& folder,
                       const GgufExport& options) {
  return Exporter(directory, options).Write(folder);
}

}  // namespace sightline
