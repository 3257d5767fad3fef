#include "language/decoder.h"

#include <cmath>
#include <cstring>

#include "compute/attention/attention.h"

namespace sightline::language {

Sequence::Sequence(PagePool* pool, int64_t layers) {
  for (int64_t i = 0; i < layers; ++i) {
    k_.emplace_back(pool);
    v_.emplace_back(pool);
  }
}

StatusOr<std::unique_ptr<Decoder>> Decoder::Load(const DecoderSpec& s, const WeightFile& file, const std::string& prefix) {
  if (s.hidden <= 0 || s.heads <= 0 || s.kv_heads <= 0 || s.heads % s.kv_heads || s.head_dim <= 0 || s.head_dim % 2 || s.vocab <= 0 || s.layers <= 0) {
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MODEL_CONFIG_INVALID", "config.json: text_config has sizes that no decoder can have");
  }
  std::unique_ptr<Decoder> d(new Decoder());
  d->spec_ = s;
  Status first;
  auto read = [&](const std::string& name, std::vector<int64_t> shape) {
    auto t = file.Read(prefix + name, shape);
    if (!t.ok() && first.ok()) first = t.status();
    return t.ok() ? *std::move(t) : Tensor(shape);
  };
  d->embed_.w = read("embed_tokens.weight", {s.vocab, s.hidden});
  d->norm_ = read("norm.weight", {s.hidden}).data;
  for (int64_t i = 0; i < s.layers && first.ok(); ++i) {
    std::string p = "layers." + std::to_string(i) + ".";
    Layer l;
    l.norm1 = read(p + "input_layernorm.weight", {s.hidden}).data;
    l.norm2 = read(p + "post_attention_layernorm.weight", {s.hidden}).data;
    l.q.w = read(p + "self_attn.q_proj.weight", {s.heads * s.head_dim, s.hidden});
    l.k.w = read(p + "self_attn.k_proj.weight", {s.kv_heads * s.head_dim, s.hidden});
    l.v.w = read(p + "self_attn.v_proj.weight", {s.kv_heads * s.head_dim, s.hidden});
    l.o.w = read(p + "self_attn.o_proj.weight", {s.hidden, s.heads * s.head_dim});
    l.gate.w = read(p + "mlp.gate_proj.weight", {s.ffn, s.hidden});
    l.up.w = read(p + "mlp.up_proj.weight", {s.ffn, s.hidden});
    l.down.w = read(p + "mlp.down_proj.weight", {s.hidden, s.ffn});
    d->layers_.push_back(std::move(l));
  }
  if (!s.tied) {
    auto t = file.Read("lm_head.weight", {s.vocab, s.hidden});
    SL_RETURN_IF_ERROR(t.status());
    d->head_.w = *std::move(t);
  }
  SL_RETURN_IF_ERROR(first);
  return d;
}

int64_t Decoder::parameter_count() const {
  const DecoderSpec& s = spec_;
  int64_t layer = s.hidden * s.head_dim * (2 * s.heads + 2 * s.kv_heads) + 3 * s.hidden * s.ffn + 2 * s.hidden;
  return s.layers * layer + s.hidden + s.vocab * s.hidden * (s.tied ? 1 : 2);
}

Tensor Decoder::Embed(const std::vector<int32_t>& ids) const {
  Tensor x({static_cast<int64_t>(ids.size()), spec_.hidden});
  for (size_t i = 0; i < ids.size(); ++i) {
    SL_CHECK(ids[i] >= 0 && ids[i] < spec_.vocab);
    std::memcpy(x.row(static_cast<int64_t>(i)), embed_.w.row(ids[i]), static_cast<size_t>(spec_.hidden) * sizeof(float));
  }
  return x;
}

Status Decoder::AttentionBlock(const Layer& l, size_t index, const std::vector<int32_t>& positions, Sequence* seq, Tensor* x) const {
  int64_t t = x->rows(), kv = spec_.kv_heads * spec_.head_dim;
  Tensor y(x->shape);
  RmsNorm(x->data.data(), t, spec_.hidden, l.norm1.data(), spec_.rms_eps, y.data.data());
  Tensor q = Apply(y, l.q), k = Apply(y, l.k), v = Apply(y, l.v);
  Rope(q.data.data(), t, spec_.heads, spec_.head_dim, positions.data(), spec_.rope_theta);
  Rope(k.data.data(), t, spec_.kv_heads, spec_.head_dim, positions.data(), spec_.rope_theta);
  PageTable &kp = seq->k_[index], &vp = seq->v_[index];
  SL_RETURN_IF_ERROR(kp.Reserve(seq->length_ + static_cast<int32_t>(t)));
  SL_RETURN_IF_ERROR(vp.Reserve(seq->length_ + static_cast<int32_t>(t)));
  for (int32_t i = 0; i < t; ++i) {
    std::memcpy(kp.Row(seq->length_ + i, kv), k.row(i), static_cast<size_t>(kv) * sizeof(float));
    std::memcpy(vp.Row(seq->length_ + i, kv), v.row(i), static_cast<size_t>(kv) * sizeof(float));
  }
  BlockList lists = CausalList(static_cast<int32_t>(t), seq->length_);
  Tensor o({t, spec_.heads * spec_.head_dim});
  AttentionArgs a;
  a.q = q.data.data();
  a.q_stride = spec_.heads * spec_.head_dim;
  a.k = {kp.pages(), kPageRows, kv};
  a.v = {vp.pages(), kPageRows, kv};
  a.rows = t;
  a.heads = spec_.heads;
  a.kv_heads = spec_.kv_heads;
  a.d = spec_.head_dim;
  a.scale = 1 / std::sqrt(static_cast<float>(spec_.head_dim));
  a.lists = &lists;
  a.out = o.data.data();
  Attend(a);
  Tensor out = Apply(o, l.o);
  AddInPlace(x->data.data(), out.data.data(), static_cast<int64_t>(out.data.size()));
  return absl::OkStatus();
}

void Decoder::MlpBlock(const Layer& l, Tensor* x) const {
  Tensor y(x->shape);
  RmsNorm(x->data.data(), x->rows(), spec_.hidden, l.norm2.data(), spec_.rms_eps, y.data.data());
  Tensor gate = Apply(y, l.gate), up = Apply(y, l.up);
  SiluMul(gate.data.data(), up.data.data(), static_cast<int64_t>(gate.data.size()), gate.data.data());
  Tensor down = Apply(gate, l.down);
  AddInPlace(x->data.data(), down.data.data(), static_cast<int64_t>(down.data.size()));
}

StatusOr<Tensor> Decoder::Hidden(Tensor x, Sequence* seq) const {
  auto t = static_cast<int32_t>(x.rows());
  if (seq->length_ + t > spec_.context) {
    return ErrorWithReason(absl::StatusCode::kOutOfRange, "CONTEXT_TOO_LONG", "the prompt and its answer exceed the model's context of " + std::to_string(spec_.context) + " tokens");
  }
  std::vector<int32_t> positions;
  for (int32_t i = 0; i < t; ++i) positions.push_back(seq->length_ + i);
  for (size_t i = 0; i < layers_.size(); ++i) {
    SL_RETURN_IF_ERROR(AttentionBlock(layers_[i], i, positions, seq, &x));
    MlpBlock(layers_[i], &x);
  }
  seq->length_ += t;
  Tensor y(x.shape);
  RmsNorm(x.data.data(), x.rows(), spec_.hidden, norm_.data(), spec_.rms_eps, y.data.data());
  return y;
}

StatusOr<std::vector<float>> Decoder::Forward(Tensor x, Sequence* seq) const {
  SL_ASSIGN_OR_RETURN(Tensor h, Hidden(std::move(x), seq));
  std::vector<float> logits(static_cast<size_t>(spec_.vocab));
  MatMul(h.row(h.rows() - 1), 1, spec_.tied ? embed_ : head_, logits.data());
  return logits;
}

StatusOr<Tensor> Decoder::ForwardAll(Tensor x, Sequence* seq) const {
  SL_ASSIGN_OR_RETURN(Tensor h, Hidden(std::move(x), seq));
  return Apply(h, spec_.tied ? embed_ : head_);
}

}  // namespace sightline::language
