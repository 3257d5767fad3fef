#include "fusion/gguf/names.h"

#include <algorithm>
#include <optional>

#include "fusion/gguf/config.h"

namespace sightline {
namespace {

using A = GgufAssembly;

// A stem without ".weight" or ".bias"; "#" is the number of a layer.
struct Row {
  const char *gguf, *name;
  A assembly = A::kAsIs;
  size_t piece = 0, pieces = 1;
};

// gguf-py/gguf/tensor_mapping.py of llama.cpp. Heads of llama's queries and keys are permuted there
// (conversion/llama.py); FromFile decides by the architecture.
constexpr Row kText[] = {
    {"token_embd", "embed_tokens"},
    {"output_norm", "norm"},
    {"blk.#.attn_norm", "layers.#.input_layernorm"},
    {"blk.#.ffn_norm", "layers.#.post_attention_layernorm"},
    {"blk.#.attn_q", "layers.#.self_attn.q_proj", A::kUnpermute},
    {"blk.#.attn_k", "layers.#.self_attn.k_proj", A::kUnpermute},
    {"blk.#.attn_v", "layers.#.self_attn.v_proj"},
    {"blk.#.attn_output", "layers.#.self_attn.o_proj"},
    {"blk.#.attn_q_norm", "layers.#.self_attn.q_norm"},
    {"blk.#.attn_k_norm", "layers.#.self_attn.k_norm"},
    {"blk.#.ffn_gate", "layers.#.mlp.gate_proj"},
    {"blk.#.ffn_up", "layers.#.mlp.up_proj"},
    {"blk.#.ffn_down", "layers.#.mlp.down_proj"},
};
constexpr Row kHead[] = {{"output", "lm_head"}};

// conversion/qwenvl.py: q, k and v apart, the patch embedding cut in two frames.
constexpr Row kQwen25[] = {
    {"v.patch_embd", "patch_embed.proj", A::kInterleave, 0, 2},
    {"v.blk.#.ln1", "blocks.#.norm1"},
    {"v.blk.#.ln2", "blocks.#.norm2"},
    {"v.blk.#.attn_q", "blocks.#.attn.qkv", A::kStack, 0, 3},
    {"v.blk.#.attn_k", "blocks.#.attn.qkv", A::kStack, 1, 3},
    {"v.blk.#.attn_v", "blocks.#.attn.qkv", A::kStack, 2, 3},
    {"v.blk.#.attn_qkv", "blocks.#.attn.qkv"},
    {"v.blk.#.attn_out", "blocks.#.attn.proj"},
    {"v.blk.#.ffn_gate", "blocks.#.mlp.gate_proj"},
    {"v.blk.#.ffn_up", "blocks.#.mlp.up_proj"},
    {"v.blk.#.ffn_down", "blocks.#.mlp.down_proj"},
    {"v.post_ln", "merger.ln_q"},
    {"mm.0", "merger.mlp.0"},
    {"mm.2", "merger.mlp.2"},
};

// conversion/qwen3vl.py; a deepstack merger is named by its layer.
constexpr Row kQwen3[] = {
    {"v.patch_embd", "patch_embed.proj", A::kInterleave, 0, 2},
    {"v.position_embd", "pos_embed"},
    {"v.blk.#.ln1", "blocks.#.norm1"},
    {"v.blk.#.ln2", "blocks.#.norm2"},
    {"v.blk.#.attn_qkv", "blocks.#.attn.qkv"},
    {"v.blk.#.attn_out", "blocks.#.attn.proj"},
    {"v.blk.#.ffn_up", "blocks.#.mlp.linear_fc1"},
    {"v.blk.#.ffn_down", "blocks.#.mlp.linear_fc2"},
    {"v.post_ln", "merger.norm"},
    {"mm.0", "merger.linear_fc1"},
    {"mm.2", "merger.linear_fc2"},
    {"v.deepstack.#.norm", "deepstack_merger_list.#.norm"},
    {"v.deepstack.#.fc1", "deepstack_merger_list.#.linear_fc1"},
    {"v.deepstack.#.fc2", "deepstack_merger_list.#.linear_fc2"},
};

// conversion/smolvlm.py.
constexpr Row kSmol[] = {
    {"v.patch_embd", "embeddings.patch_embedding"},
    {"v.position_embd", "embeddings.position_embedding"},
    {"v.blk.#.ln1", "encoder.layers.#.layer_norm1"},
    {"v.blk.#.ln2", "encoder.layers.#.layer_norm2"},
    {"v.blk.#.attn_q", "encoder.layers.#.self_attn.q_proj"},
    {"v.blk.#.attn_k", "encoder.layers.#.self_attn.k_proj"},
    {"v.blk.#.attn_v", "encoder.layers.#.self_attn.v_proj"},
    {"v.blk.#.attn_out", "encoder.layers.#.self_attn.out_proj"},
    {"v.blk.#.ffn_up", "encoder.layers.#.mlp.fc1"},
    {"v.blk.#.ffn_down", "encoder.layers.#.mlp.fc2"},
    {"v.post_ln", "post_layernorm"},
};
constexpr Row kSmolProjector[] = {{"mm.model.fc", "modality_projection.proj"}};

// A part of a family: where its names stand and the rows that it has.
struct Table {
  const char* family;  // "" any
  const char* prefix;
  bool vision;
  const Row *begin, *end;
};

constexpr Table kTables[] = {
    {"", "", false, std::begin(kHead), std::end(kHead)},
    {"qwen2_5_vl", "model.language_model.", false, std::begin(kText), std::end(kText)},
    {"qwen2_5_vl", "model.visual.", true, std::begin(kQwen25), std::end(kQwen25)},
    {"qwen3_vl", "model.language_model.", false, std::begin(kText), std::end(kText)},
    {"qwen3_vl", "model.visual.", true, std::begin(kQwen3), std::end(kQwen3)},
    {"smolvlm", "model.text_model.", false, std::begin(kText), std::end(kText)},
    {"smolvlm", "model.vision_model.", true, std::begin(kSmol), std::end(kSmol)},
    {"smolvlm", "model.connector.", true, std::begin(kSmolProjector), std::end(kSmolProjector)},
    {"llama", "model.", false, std::begin(kText), std::end(kText)},
    {"qwen2", "model.", false, std::begin(kText), std::end(kText)},
    {"qwen3", "model.", false, std::begin(kText), std::end(kText)},
};

// The number that stands for "#"; nothing when `name` is not of the pattern; -1 for a pattern
// without.
std::optional<int64_t> Match(std::string_view name, std::string_view pattern) {
  size_t mark = pattern.find('#');
  if (mark == std::string_view::npos) return name == pattern ? std::optional(-1) : std::nullopt;
  std::string_view head = pattern.substr(0, mark), tail = pattern.substr(mark + 1);
  if (name.size() <= head.size() + tail.size() || !name.starts_with(head) || !name.ends_with(tail))
    return std::nullopt;
  std::string_view digits = name.substr(head.size(), name.size() - head.size() - tail.size());
  if (digits.size() > 4 || (digits.size() > 1 && digits[0] == '0')) return std::nullopt;
  int64_t n = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    n = 10 * n + (c - '0');
  }
  return n;
}

std::string Fill(std::string pattern, int64_t number) {
  size_t mark = pattern.find('#');
  return mark == std::string::npos ? pattern : pattern.replace(mark, 1, std::to_string(number));
}

// "stem.weight" -> stem and ".weight".
std::pair<std::string, std::string> Cut(const std::string& name) {
  for (const char* suffix : {".weight", ".bias"}) {
    if (name.ends_with(suffix))
      return {name.substr(0, name.size() - std::string(suffix).size()), suffix};
  }
  return {name, ""};
}

std::string Swap(const std::string& stem) {
  size_t at = stem.rfind(".ffn_");
  if (at == std::string::npos) return stem;
  std::string kind = stem.substr(at + 5), head = stem.substr(0, at + 5);
  return kind == "up" ? head + "down" : kind == "down" ? head + "up" : stem;
}

bool IsDeepstack(const Row& row) { return std::string_view(row.gguf).starts_with("v.deepstack."); }

}  // namespace

StatusOr<GgufNames> GgufNames::Of(const GgufModel& model) {
  GgufNames n;
  SL_ASSIGN_OR_RETURN(ModelConfigs configs, ReadGgufConfigs(model));
  n.family_ = GgufFamily(model);
  n.unpermute_ = n.family_ == "llama" || n.family_ == "smolvlm";
  if (!model.vision) return n;
  const Json& vision = configs.config["vision_config"];
  if (vision.contains("deepstack_visual_indexes"))
    n.deepstack_ = vision["deepstack_visual_indexes"].get<std::vector<int64_t>>();
  // tools/mtmd/clip.cpp tells the older files the same way: the second layer reads the wide rows.
  const auto& tensors = model.vision->table().tensors;
  auto down = tensors.find("v.blk.0.ffn_down.weight");
  int64_t hidden = vision["hidden_size"], wide = vision["intermediate_size"];
  n.swapped_mlp_ = down != tensors.end() && wide != hidden &&
                   down->second.shape == std::vector<int64_t>{wide, hidden};
  return n;
}

GgufTensorName GgufNames::FromFile(const std::string& tensor, bool vision) const {
  std::string full = tensor;
  size_t frame = 0;
  if (vision && tensor == "v.patch_embd.weight.1") {
    full = "v.patch_embd.weight";
    frame = 1;
  }
  auto [stem, suffix] = Cut(full);
  if (vision && swapped_mlp_) stem = Swap(stem);
  for (const Table& t : kTables) {
    if (t.vision != vision || suffix.empty() || (*t.family && family_ != t.family)) continue;
    for (const Row* row = t.begin; row != t.end; ++row) {
      std::optional<int64_t> number = Match(stem, row->gguf);
      if (!number) continue;
      if (IsDeepstack(*row)) {
        auto at = std::find(deepstack_.begin(), deepstack_.end(), *number);
        if (at == deepstack_.end()) return {tensor};
        number = at - deepstack_.begin();
      }
      GgufTensorName n{t.prefix + Fill(row->name, *number) + suffix, row->assembly, row->piece,
                       row->pieces};
      if (n.assembly == A::kUnpermute && !unpermute_) n.assembly = A::kAsIs;
      if (n.assembly == A::kInterleave && suffix == ".bias") n = {n.name};
      if (frame > 0 && n.assembly != A::kInterleave) return {tensor};
      n.piece += frame;
      return n;
    }
  }
  return {tensor};
}

std::string GgufNames::ToFile(const std::string& name) const {
  auto [stem, suffix] = Cut(name);
  std::string out;
  for (const Table& t : kTables) {
    if ((*t.family && family_ != t.family) || !stem.starts_with(t.prefix)) continue;
    std::string rest = stem.substr(std::string(t.prefix).size());
    for (const Row* row = t.begin; row != t.end; ++row) {
      std::optional<int64_t> number = Match(rest, row->name);
      if (!number || (!out.empty() && row->pieces == 1)) continue;
      if (IsDeepstack(*row)) {
        auto at = static_cast<size_t>(*number);
        if (at >= deepstack_.size()) continue;
        number = deepstack_[at];
      }
      std::string own = Fill(row->gguf, *number);
      if (t.vision && swapped_mlp_) own = Swap(own);
      out += (out.empty() ? "" : " + ") + own + suffix;
    }
  }
  return out.empty() ? name : out;
}

}  // namespace sightline
