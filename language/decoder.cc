#include "language/decoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "compute/attention/attention.h"
#include "language/decoder_windows.h"

namespace sightline::language {

Sequence::Sequence(PagePool* pool, int64_t layers) {
  for (int64_t i = 0; i < layers; ++i) {
    k_.emplace_back(pool);
    v_.emplace_back(pool);
  }
}

struct Decoder::Step {
  RopeAngles angles, local_angles;
  std::map<int32_t, BlockList> lists;  // by window
  StepTaps* taps = nullptr;
};

namespace {

// The last query row's attention [H, S], read by the kernel's tap: each pass tells some of the keys
// apart.
Tensor LastRow(AttentionArgs a, const BlockList& list, int32_t keys) {
  constexpr int32_t kClasses = 256;  // class 0: all other keys
  BlockList one;
  std::vector<int32_t> seen = list.KeysOf(list.tiles() - 1);
  one.Query(0);
  for (int32_t row : seen) one.Key(row);
  one.EndTile();
  Tensor out({a.heads, keys}), scratch({a.heads, a.d});
  a.q += (a.rows - 1) * a.q_stride;
  a.rows = 1;
  a.lists = &one;
  a.out = scratch.data.data();
  for (int32_t first = 0; first < keys; first += kClasses - 1) {
    int32_t n = std::min(kClasses - 1, keys - first);
    EditPlan classes;
    classes.classes = kClasses;
    classes.key_class.assign(static_cast<size_t>(keys), 0);
    for (int32_t i = 0; i < n; ++i) {
      classes.key_class[static_cast<size_t>(first + i)] = static_cast<uint8_t>(i + 1);
    }
    ScoreTap tap;
    a.edit = &classes;
    a.tap = &tap;
    Attend(a);
    for (int64_t h = 0; h < a.heads; ++h) {
      std::copy_n(&tap.mass[static_cast<size_t>(h * kClasses + 1)], n, out.row(h) + first);
    }
  }
  return out;
}

void AddAll(Tensor* x, const Tensor& y) {
  AddInPlace(x->data.data(), y.data.data(), static_cast<int64_t>(y.data.size()));
}

}  // namespace

Tensor Decoder::Embed(const std::vector<int32_t>& ids) const {
  Tensor x({static_cast<int64_t>(ids.size()), spec_.hidden});
  for (size_t i = 0; i < ids.size(); ++i) {
    SL_CHECK(ids[i] >= 0 && ids[i] < spec_.vocab);
    std::memcpy(x.row(static_cast<int64_t>(i)), embed_.w.row(ids[i]),
                static_cast<size_t>(spec_.hidden) * sizeof(float));
  }
  if (spec_.embedding_scale != 1) {
    for (float& v : x.data) v *= spec_.embedding_scale;
  }
  return x;
}

Tensor Decoder::Normalise(const Tensor& x, const NormWeights& w) const {
  Tensor y(x.shape);
  if (spec_.norm == NormKind::kRms) {
    RmsNorm(x.data.data(), x.rows(), x.cols(), w.weight.data(), spec_.rms_eps, y.data.data());
  } else {
    LayerNorm(x.data.data(), x.rows(), x.cols(), w.weight.data(), w.bias.data(), spec_.rms_eps,
              y.data.data());
  }
  return y;
}

Status Decoder::AttentionBlock(int64_t index, const Step& step, Sequence* seq, Tensor* x) const {
  const Layer& l = layers_[static_cast<size_t>(index)];
  int64_t t = x->rows(), d = spec_.head_dim, kv = spec_.kv_heads * d;
  int32_t window = spec_.window(index), length = seq->length_,
          total = length + static_cast<int32_t>(t);
  Tensor y = Normalise(*x, l.before_attention);
  Tensor q = Apply(y, l.q), k = Apply(y, l.k), v = Apply(y, l.v);
  if (spec_.qk_norm) {
    RmsNorm(q.data.data(), t * spec_.heads, d, l.q_norm.data(), spec_.rms_eps, q.data.data());
    RmsNorm(k.data.data(), t * spec_.kv_heads, d, l.k_norm.data(), spec_.rms_eps, k.data.data());
  }
  bool local = window > 0 && spec_.local_rope_theta > 0;
  const RopeAngles& angles = local ? step.local_angles : step.angles;
  Rotate(q.data.data(), spec_.heads, d, angles);
  Rotate(k.data.data(), spec_.kv_heads, d, angles);
  PageTable &kp = seq->k_[static_cast<size_t>(index)], &vp = seq->v_[static_cast<size_t>(index)];
  SL_RETURN_IF_ERROR(kp.Reserve(total));
  SL_RETURN_IF_ERROR(vp.Reserve(total));
  for (int32_t i = 0; i < t; ++i) {
    std::memcpy(kp.Row(length + i, kv), k.row(i), static_cast<size_t>(kv) * sizeof(float));
    std::memcpy(vp.Row(length + i, kv), v.row(i), static_cast<size_t>(kv) * sizeof(float));
  }
  Tensor o({t, spec_.heads * d});
  AttentionArgs a;
  a.q = q.data.data();
  a.q_stride = spec_.heads * d;
  a.k = {kp.pages(), kPageRows, kv};
  a.v = {vp.pages(), kPageRows, kv};
  a.rows = t;
  a.heads = spec_.heads;
  a.kv_heads = spec_.kv_heads;
  a.d = d;
  a.scale =
      spec_.attention_scale > 0 ? spec_.attention_scale : 1 / std::sqrt(static_cast<float>(d));
  a.lists = &step.lists.at(window);
  a.out = o.data.data();
  Attend(a);
  if (step.taps && step.taps->want_attention) {
    step.taps->last_row.push_back(LastRow(a, *a.lists, total));
  }
  Tensor out = Apply(o, l.o);
  AddAll(x, spec_.sandwich_norms ? Normalise(out, l.after_attention) : out);
  return absl::OkStatus();
}

void Decoder::MlpBlock(const Layer& l, Tensor* x) const {
  Tensor y = Normalise(*x, l.before_mlp);
  Tensor gate = Apply(y, l.gate), up = Apply(y, l.up);
  auto n = static_cast<int64_t>(gate.data.size());
  auto kind =
      spec_.activation == Activation::kSilu ? ActivationKind::kSilu : ActivationKind::kGeluTanh;
  ActivateMul(kind, gate.data.data(), up.data.data(), n, gate.data.data());
  Tensor down = Apply(gate, l.down);
  AddAll(x, spec_.sandwich_norms ? Normalise(down, l.after_mlp) : down);
}

Decoder::Step Decoder::Plan(const StepInput& in, const Sequence& seq) const {
  auto t = static_cast<int32_t>(in.x.rows());
  std::vector<int32_t> follow;
  if (in.positions.empty()) {
    for (int32_t i = 0; i < 3 * t; ++i) follow.push_back(seq.next_position_ + i % t);
  }
  const std::vector<int32_t>& positions = in.positions.empty() ? follow : in.positions;
  SL_CHECK(static_cast<int32_t>(positions.size()) == 3 * t);
  Step step;
  step.angles = rope_.Angles(positions);
  if (spec_.local_rope_theta > 0) step.local_angles = local_rope_.Angles(positions);
  for (int64_t i = 0; i < spec_.layers; ++i) {
    int32_t window = spec_.window(i);
    if (!step.lists.contains(window)) {
      step.lists.emplace(window, WindowedCausalList(t, seq.length_, window));
    }
  }
  return step;
}

StatusOr<Tensor> Decoder::Run(StepInput in, Sequence* seq, StepTaps* taps) const {
  auto t = static_cast<int32_t>(in.x.rows());
  SL_CHECK(t > 0 && in.x.cols() == spec_.hidden);
  if (in.x.rows() > spec_.context - seq->length_) {
    return ErrorWithReason(absl::StatusCode::kOutOfRange, "CONTEXT_TOO_LONG",
                           "the prompt and its answer exceed the model's context of " +
                               std::to_string(spec_.context) + " tokens");
  }
  Step step = Plan(in, *seq);
  step.taps = taps;
  Tensor x = std::move(in.x);
  for (int64_t i = 0; i < spec_.layers; ++i) {
    if (taps) taps->hidden.push_back(x);
    SL_RETURN_IF_ERROR(AttentionBlock(i, step, seq, &x));
    MlpBlock(layers_[static_cast<size_t>(i)], &x);
    if (i < static_cast<int64_t>(in.deepstack.size()))
      AddAll(&x, in.deepstack[static_cast<size_t>(i)]);
  }
  seq->length_ += t;
  if (in.positions.empty()) {
    seq->next_position_ += t;
  } else {
    int32_t last = *std::max_element(in.positions.begin(), in.positions.end());
    seq->next_position_ = std::max(seq->next_position_, last + 1);
  }
  Tensor y = Normalise(x, norm_);
  if (taps) taps->hidden.push_back(y);
  return y;
}

Tensor Decoder::Logits(const Tensor& hidden) const {
  Tensor y = Apply(hidden, spec_.tied ? embed_ : head_);
  if (spec_.logit_cap > 0) {
    for (float& v : y.data) v = spec_.logit_cap * std::tanh(v / spec_.logit_cap);
  }
  return y;
}

StatusOr<std::vector<float>> Decoder::Forward(Tensor x, Sequence* seq) const {
  SL_ASSIGN_OR_RETURN(Tensor h, Run({std::move(x), {}, {}}, seq));
  Tensor last({1, spec_.hidden});
  std::copy_n(h.row(h.rows() - 1), spec_.hidden, last.data.begin());
  return Logits(last).data;
}

StatusOr<Tensor> Decoder::ForwardAll(Tensor x, Sequence* seq) const {
  SL_ASSIGN_OR_RETURN(Tensor h, Run({std::move(x), {}, {}}, seq));
  return Logits(h);
}

}  // namespace sightline::language
