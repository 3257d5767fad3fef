#include "fusion/gguf/config.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "fusion/gguf/fields.h"
#include "fusion/gguf/vision_config.h"

namespace sightline {
namespace {

// What a text architecture becomes: alone, or with the visual half whose projector it takes. The
// names are llama.cpp's (gguf-py/gguf/constants.py: MODEL_ARCH_NAMES, VisionProjectorType).
struct Pair {
  const char* architecture;
  const char* projector;  // "" alone
  const char* family;     // model_type of config.json
};

constexpr Pair kPairs[] = {
    {"llama", "", "llama"},
    {"llama", "idefics3", "smolvlm"},
    {"qwen2", "", "qwen2"},
    {"qwen2vl", "", "qwen2"},  // without media its three streams of positions are one
    {"qwen2vl", "qwen2.5vl_merger", "qwen2_5_vl"},
    {"qwen3", "", "qwen3"},
    {"qwen3vl", "", "qwen3"},
    {"qwen3vl", "qwen3vl_merger", "qwen3_vl"},
};

std::string TextOf(const GgufFile& file, std::string_view key) {
  auto text = file.String(key);
  return text.ok() ? std::string(*text) : "";
}

std::string Projector(const GgufModel& m) {
  if (!m.vision) return "";
  std::string type = TextOf(*m.vision, "clip.projector_type");
  return type.empty() ? TextOf(*m.vision, "clip.vision.projector_type") : type;
}

const Pair* FindPair(const GgufModel& m) {
  std::string architecture = TextOf(m.text(), "general.architecture"), projector = Projector(m);
  for (const Pair& p : kPairs) {
    bool alone = *p.projector == 0;
    if (architecture == p.architecture && projector == p.projector && alone == !m.vision) return &p;
  }
  return nullptr;
}

Status Unknown(const GgufModel& m) {
  std::string architecture = TextOf(m.text(), "general.architecture"), known;
  bool claimed = false;
  for (const Pair& p : kPairs) {
    claimed = claimed || architecture == p.architecture;
    if (*p.projector == 0) absl::StrAppend(&known, known.empty() ? "" : ", ", p.architecture);
  }
  std::string what =
      claimed ? absl::StrCat("gguf: clip.projector_type: '", Projector(m).substr(0, 40),
                             "' is not one that this build runs with architecture ", architecture)
              : absl::StrCat("gguf: general.architecture: '", architecture.substr(0, 40),
                             "' is not one that this build runs: ", known);
  return ErrorWithReason(absl::StatusCode::kUnimplemented, "MODEL_FAMILY_UNKNOWN", what,
                         claimed ? "clip.projector_type" : "general.architecture");
}

// Text models: the keys of llama.cpp's conversion/base.py (TextModel.set_gguf_parameters).
class TextReader {
 public:
  TextReader(const GgufModel& m, Status* status)
      : m_(m),
        status_(status),
        f_(m.text(), TextOf(m.text(), "general.architecture") + ".", status) {}

  Json Read() {
    Json t = Json::object();
    int64_t hidden = f_.Int("embedding_length", 8, 1 << 16);
    int64_t heads = f_.Int("attention.head_count", 1, 1024);
    int64_t kv_heads = f_.Int("attention.head_count_kv", 1, 1024, heads);
    if (!f_.Has("attention.key_length") && hidden % heads)
      f_.Fail("attention.head_count", "must divide embedding_length");
    if (heads % kv_heads) f_.Fail("attention.head_count_kv", "must divide attention.head_count");
    int64_t head_dim = f_.Int("attention.key_length", 2, 1024, hidden / heads);
    if (head_dim < 2 || head_dim > 1024 || head_dim % 2)
      f_.Fail("attention.key_length", "must be even and from 2 to 1024");
    if (f_.Int("attention.value_length", 1, 1 << 20, head_dim) != head_dim)
      f_.Refuse("attention.value_length", "differs from attention.key_length");
    if (f_.Int("rope.dimension_count", 0, 1 << 20, head_dim) != head_dim)
      f_.Refuse("rope.dimension_count", "rotates a part of a head");
    if (f_.Int("expert_count", 0, 1 << 20, 0) > 0)
      f_.Refuse("expert_count", "mixtures of experts are not run");
    t["hidden_size"] = hidden;
    t["num_attention_heads"] = heads;
    t["num_key_value_heads"] = kv_heads;
    t["head_dim"] = head_dim;
    t["intermediate_size"] = f_.Int("feed_forward_length", 8, 1 << 20);
    t["num_hidden_layers"] = f_.Int("block_count", 1, 1024);
    t["max_position_embeddings"] = f_.Int("context_length", 1, 1 << 24);
    t["rms_norm_eps"] = f_.Real("attention.layer_norm_rms_epsilon", 0, 1);
    t["rope_theta"] = f_.Real("rope.freq_base", 1, 1e12, 10000);
    t["rope_scaling"] = Rope(head_dim);
    t["vocab_size"] = Vocabulary();
    // A file without a head uses the embedding table as one (llama.cpp, src/models/llama.cpp).
    t["tie_word_embeddings"] = !Has("output.weight");
    t["attention_bias"] = Has("blk.0.attn_q.bias");  // of the llama and qwen3 architectures
    t["mlp_bias"] = Has("blk.0.ffn_up.bias");
    return t;
  }

 private:
  const GgufTensor* Find(const std::string& name) const {
    for (const auto& part : m_.parts) {
      auto it = part->table().tensors.find(name);
      if (it != part->table().tensors.end()) return &it->second;
    }
    return nullptr;
  }
  bool Has(const std::string& name) const { return Find(name) != nullptr; }

  int64_t Vocabulary() const {
    const GgufTensor* table = Find("token_embd.weight");
    GgufFields own(m_.text(), "", status_);
    if (!table) {
      own.Fail("token_embd.weight", "the tensor is missing");
    } else if (table->shape.size() != 2 || table->shape[0] > 1 << 22) {
      own.Fail("token_embd.weight", "must be a table of at most 4194304 tokens");
    } else {
      return table->shape[0];
    }
    return 1;
  }

  // Llama 3's rescaling comes as factors of every pair, which divide its speed
  // (conversion/llama.py, generate_extra_tensors); linear scaling as a key.
  Json Rope(int64_t head_dim) const {
    Json rope = Json::object();
    std::string kind = f_.Text("rope.scaling.type", "none");
    double factor = f_.Real("rope.scaling.factor", 0, 1e6, 1);
    if (kind == "linear") {
      if (factor < 1) f_.Fail("rope.scaling.factor", "must be at least 1");
      rope = {{"rope_type", "linear"}, {"factor", factor}};
    } else if (kind != "none") {
      f_.Refuse("rope.scaling.type", "is '" + kind.substr(0, 40) + "'; none and linear are known");
    }
    if (const GgufTensor* t = Find("rope_freqs.weight")) {
      std::vector<float> factors = Factors(*t, head_dim);
      if (!factors.empty()) rope = {{"rope_type", "factors"}, {"factors", factors}};
    }
    // Three streams and a fourth that is not used (conversion/base.py).
    std::vector<int64_t> sections = f_.Ints("rope.dimension_sections", 4, 0, 512);
    if (sections.size() == 4 && sections[3] == 0) sections.pop_back();
    int64_t sum = 0;
    for (int64_t s : sections) sum += s;
    if (!sections.empty() && (sections.size() != 3 || 2 * sum != head_dim))
      f_.Fail("rope.dimension_sections", "must be three numbers that sum to half of a head");
    if (m_.vision && sections.empty() && *FindPair(m_)->architecture == 'q')
      f_.Fail("rope.dimension_sections", "is missing");
    if (!sections.empty()) rope["mrope_section"] = sections;
    return rope;
  }

  std::vector<float> Factors(const GgufTensor& t, int64_t head_dim) const {
    GgufFields own(m_.text(), "", status_);
    if (t.format != BlockFormat::kF32 || t.shape != std::vector<int64_t>{head_dim / 2}) {
      own.Fail("rope_freqs.weight", "must be one float32 for every pair of a head");
      return {};
    }
    for (const auto& part : m_.parts) {
      auto values = part->Read("rope_freqs.weight", {head_dim / 2});
      if (!values.ok()) continue;
      for (float v : *values) {
        if (v >= 1e-3f && v <= 1e6f) continue;
        own.Fail("rope_freqs.weight", "holds a factor that is not from 0.001 to 1000000");
        return {};
      }
      return *std::move(values);
    }
    return {};
  }

  const GgufModel& m_;
  Status* status_;
  GgufFields f_;
};

// Ids that end an answer: those that the file names, and control tokens that end a turn in
// published templates (llama.cpp finds them by their text as well, src/llama-vocab.cpp).
std::vector<int64_t> EndIds(const GgufModel& m, int64_t vocab, Status* status) {
  GgufFields f(m.text(), "tokenizer.ggml.", status);
  std::vector<int64_t> ids;
  auto add = [&](int64_t id) {
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  };
  for (const char* key : {"eos_token_id", "eot_token_id", "eom_token_id"}) {
    if (f.Has(key)) add(f.Int(key, 0, vocab - 1));
  }
  auto tokens = m.text().Strings("tokenizer.ggml.tokens");
  std::vector<int64_t> types = f.Ints("token_type", 1 << 22, 0, 64);
  for (size_t i = 0; tokens.ok() && i < std::min((*tokens)->size(), types.size()); ++i) {
    constexpr int64_t kControl = 3;
    if (types[i] != kControl) continue;
    for (const char* text : {"<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<end_of_utterance>"}) {
      if ((**tokens)[i] == text) add(static_cast<int64_t>(i));
    }
  }
  return ids;
}

}  // namespace

bool GgufVisionIsForeign(const GgufModel& model) {
  std::string architecture = TextOf(model.text(), "general.architecture");
  bool takes = false, elsewhere = false;
  for (const Pair& p : kPairs) {
    takes = takes || (architecture == p.architecture && *p.projector);
    elsewhere = elsewhere || Projector(model) == p.projector;
  }
  return !FindPair(model) && (!takes || elsewhere);
}

std::string GgufFamily(const GgufModel& model) {
  const Pair* pair = FindPair(model);
  return pair ? pair->family : "";
}

StatusOr<ModelConfigs> ReadGgufConfigs(const GgufModel& model) {
  const Pair* pair = FindPair(model);
  if (!pair) return Unknown(model);
  Status status;
  Json text = TextReader(model, &status).Read();
  SL_RETURN_IF_ERROR(status);
  std::vector<int64_t> ends = EndIds(model, text["vocab_size"].get<int64_t>(), &status);
  SL_RETURN_IF_ERROR(status);
  ModelConfigs configs;
  configs.generation = configs.processor = Json::object();
  if (!ends.empty()) configs.generation["eos_token_id"] = ends;
  if (model.vision) {
    SL_RETURN_IF_ERROR(ReadGgufVision(model, pair->family, std::move(text), &configs));
  } else {
    configs.config = std::move(text);
  }
  configs.config["model_type"] = pair->family;
  return configs;
}

}  // namespace sightline
