// From named tensors to a decoder.
#include <numeric>

#include "language/decoder.h"

namespace sightline::language {
namespace {

Status Bad(const std::string& what) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MODEL_CONFIG_INVALID",
                         "config.json: " + what);
}

Status Check(const DecoderSpec& s) {
  if (s.hidden <= 0 || s.ffn <= 0 || s.vocab <= 0 || s.layers <= 0 || s.context <= 0) {
    return Bad("the text model needs positive sizes");
  }
  if (s.heads <= 0 || s.kv_heads <= 0 || s.heads % s.kv_heads) {
    return Bad("num_attention_heads must be a multiple of num_key_value_heads");
  }
  if (s.head_dim <= 0 || s.head_dim % 2) return Bad("head_dim must be even");
  if (!s.mrope_sections.empty() &&
      (s.mrope_sections.size() != 3 ||
       std::accumulate(s.mrope_sections.begin(), s.mrope_sections.end(), int64_t{0}) !=
           s.head_dim / 2)) {
    return Bad("mrope_section must be three numbers that sum to half of head_dim");
  }
  if (s.rope_scaling.kind == RopeScaling::Kind::kFactors &&
      static_cast<int64_t>(s.rope_scaling.factors.size()) != s.head_dim / 2) {
    return Bad("rope factors must be one for every pair of a head");
  }
  if (!s.windows.empty() && static_cast<int64_t>(s.windows.size()) != s.layers) {
    return Bad("layer_types must name every layer");
  }
  return absl::OkStatus();
}

}  // namespace

// Remembers the first error, so that the loader reads as a list.
class Decoder::Builder {
 public:
  Builder(const DecoderSpec& spec, const StoredReader& read, WeightChoice choice, Decoder* d)
      : s_(spec), read_(read), choice_(choice), d_(d) {}

  Status Build() {
    auto matrix = [&](const std::string& name) {
      Linear l;
      l.packed = Matrix(name, s_.vocab, s_.hidden, EndsOf(choice_));
      return There(l);
    };
    d_->embed_ = matrix("embed_tokens.weight");
    d_->norm_ = Norm("norm");
    if (!s_.tied) d_->head_ = matrix("lm_head.weight");
    for (int64_t i = 0; i < s_.layers && status_.ok(); ++i) {
      prefix_ = "layers." + std::to_string(i) + ".";
      d_->layers_.push_back(OneLayer());
    }
    return status_;
  }

 private:
  // Where the decoder is to be.
  Linear There(const Linear& layer) const {
    return status_.ok() && !d_->device_.is_host() ? ToDevice(layer, d_->device_) : layer;
  }
  // Null after an error.
  std::shared_ptr<const WeightMatrix> Matrix(const std::string& name, int64_t out, int64_t in,
                                             WeightChoice choice) {
    auto stored = Read(name, {out, in});
    if (!status_.ok()) return nullptr;
    auto packed = WeightMatrix::Pack(stored, choice);
    if (packed.ok()) return *std::move(packed);
    status_ = ErrorWithReason(
        packed.status().code(), ReasonOf(packed.status()),
        "tensor '" + prefix_ + name + "': " + std::string(packed.status().message()));
    return nullptr;
  }
  std::vector<float> Vector(const std::string& name, int64_t n) {
    auto stored = Read(name, {n});
    return status_.ok() ? FloatsOf(stored) : std::vector<float>();
  }
  StoredTensor Read(const std::string& name, const std::vector<int64_t>& shape) {
    if (!status_.ok()) return StoredTensor();
    auto t = read_(prefix_ + name, shape);
    if (!t.ok()) {
      status_ = t.status();
      return StoredTensor();
    }
    d_->parameters_ += t->count();
    return *std::move(t);
  }
  Linear Dense(const std::string& name, int64_t out, int64_t in, bool bias) {
    Linear l;
    l.packed = Matrix(name + ".weight", out, in, choice_);
    if (bias) l.bias = Vector(name + ".bias", out);
    return There(l);
  }
  Buffer Scale(const std::string& name, int64_t n) {
    std::vector<float> w = Vector(name + ".weight", n);
    for (float& v : w) v += s_.norm_offset;
    return Buffer(std::move(w)).To(d_->device_);
  }
  NormWeights Norm(const std::string& name) {
    NormWeights n{Scale(name, s_.hidden), {}};
    if (s_.norm == NormKind::kLayer)
      n.bias = Buffer(Vector(name + ".bias", s_.hidden)).To(d_->device_);
    return n;
  }
  Layer OneLayer() {
    Layer l;
    int64_t q = s_.heads * s_.head_dim, kv = s_.kv_heads * s_.head_dim;
    l.before_attention = Norm("input_layernorm");
    if (s_.sandwich_norms) {
      l.after_attention = Norm("post_attention_layernorm");
      l.before_mlp = Norm("pre_feedforward_layernorm");
      l.after_mlp = Norm("post_feedforward_layernorm");
    } else {
      l.before_mlp = Norm("post_attention_layernorm");
    }
    l.q = Dense("self_attn.q_proj", q, s_.hidden, s_.qkv_bias);
    l.k = Dense("self_attn.k_proj", kv, s_.hidden, s_.qkv_bias);
    l.v = Dense("self_attn.v_proj", kv, s_.hidden, s_.qkv_bias);
    l.o = Dense("self_attn.o_proj", s_.hidden, q, s_.o_bias);
    if (s_.qk_norm) {
      l.q_norm = Scale("self_attn.q_norm", s_.head_dim);
      l.k_norm = Scale("self_attn.k_norm", s_.head_dim);
    }
    l.gate = Dense("mlp.gate_proj", s_.ffn, s_.hidden, s_.mlp_bias);
    l.up = Dense("mlp.up_proj", s_.ffn, s_.hidden, s_.mlp_bias);
    l.down = Dense("mlp.down_proj", s_.hidden, s_.ffn, s_.mlp_bias);
    return l;
  }

  const DecoderSpec& s_;
  const StoredReader& read_;
  WeightChoice choice_;
  Decoder* d_;
  std::string prefix_;
  Status status_;
};

StatusOr<std::unique_ptr<Decoder>> Decoder::Load(const DecoderSpec& s, const StoredReader& read,
                                                 WeightChoice weights, const Device& device) {
  SL_RETURN_IF_ERROR(Check(s));
  std::unique_ptr<Decoder> d(new Decoder());
  d->spec_ = s;
  d->device_ = device;
  SL_RETURN_IF_ERROR(Builder(s, read, weights, d.get()).Build());
  d->rope_ =
      RopeTable({s.head_dim, s.rope_theta, s.rope_scaling, s.mrope_sections, s.mrope_interleaved});
  if (s.local_rope_theta > 0) d->local_rope_ = RopeTable({s.head_dim, s.local_rope_theta});
  return d;
}

StatusOr<std::unique_ptr<Decoder>> Decoder::Load(const DecoderSpec& s, const WeightFile& file,
                                                 const std::string& prefix, WeightChoice weights,
                                                 const Device& device) {
  auto read = [&](const std::string& name, const std::vector<int64_t>& shape) {
    return file.Stored(name == "lm_head.weight" ? name : prefix + name, shape);
  };
  return Load(s, read, weights, device);
}

StatusOr<KvFormat> Decoder::KvFor(KvChoice choice) const {
  if (choice == KvChoice::kF32) return KvFormat::kF32;
  if (choice == KvChoice::kF16) {
    if (device_.is_host()) return KvFormat::kF16;
    return ErrorWithReason(absl::StatusCode::kUnimplemented, "KV_FORMAT_UNKNOWN",
                           "keys and values in f16 are for the CPU; leave kv at auto or f32");
  }
  bool wide = !device_.is_host() || spec_.head_dim % 16 != 0;
  for (const Layer& l : layers_) {
    for (const Linear* w : {&l.q, &l.k, &l.v, &l.o, &l.gate, &l.up, &l.down})
      wide |= !w->packed || w->packed->format() == WeightFormat::kF32;
  }
  return wide ? KvFormat::kF32 : KvFormat::kF16;
}

int64_t Decoder::weight_bytes() const {
  auto bytes = [](const Linear& l) { return l.packed ? l.packed->bytes() : 4 * l.w.size(); };
  int64_t sum = bytes(embed_) + bytes(head_);
  for (const Layer& l : layers_) {
    for (const Linear* w : {&l.q, &l.k, &l.v, &l.o, &l.gate, &l.up, &l.down}) sum += bytes(*w);
  }
  return sum;
}

}  // namespace sightline::language
