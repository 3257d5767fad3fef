#include "language/decoder.h"

#include <algorithm>
#include <cmath>

#include "compute/base/shape_check.h"
#include "compute/ops/decoder_ops.h"
#include "compute/ops/shape_ops.h"

namespace sightline::language {

struct Decoder::Step {
  explicit Step(const Device& device) : plans(device) {}
  std::vector<SequenceRows> sequences;
  std::vector<StepTaps*> taps;              // one a sequence; may be null
  std::vector<const AttentionHook*> hooks;  // one a sequence, some empty; none where all are
  CausalPlans plans;
  RowAngles angles, local_angles;
  // What one layer writes and the next writes again: taken anew, memory is set to zero first.
  std::vector<Tensor> projected, gated;
  Tensor out;
};

namespace {

// What the hooks ask of a layer, one a sequence; none where there are no hooks.
std::vector<AttentionSettings> AskHooks(const std::vector<const AttentionHook*>& hooks,
                                        const Tensor& q, const std::vector<SequenceRows>& sequences,
                                        const PagedAttentionSpec& spec) {
  std::vector<AttentionSettings> settings(hooks.size());
  for (size_t i = 0; i < hooks.size(); ++i) {
    if (*hooks[i]) settings[i] = (*hooks[i])({q, sequences[i], spec});
  }
  return settings;
}

// Three streams of the parts' positions, [3, sum of T].
std::vector<int32_t> Positions(const std::vector<SequenceStep>& parts) {
  std::vector<int32_t> all;
  for (size_t stream = 0; stream < 3; ++stream) {
    for (const SequenceStep& p : parts) {
      auto t = static_cast<size_t>(p.in.x.rows());
      if (p.in.positions.empty()) {
        int32_t next = p.seq->next_position();
        for (size_t i = 0; i < t; ++i) all.push_back(next + static_cast<int32_t>(i));
      } else {
        SL_CHECK(p.in.positions.size() == 3 * t);
        auto from = p.in.positions.begin() + static_cast<int64_t>(stream * t);
        all.insert(all.end(), from, from + static_cast<int64_t>(t));
      }
    }
  }
  return all;
}

// Given rows, where the decoder is.
Tensor There(Tensor x, const Device& device) {
  return x.device() == device ? std::move(x) : x.To(device);
}

Tensor TakeRows(std::vector<SequenceStep>* parts, const Device& device) {
  std::vector<Tensor> all;
  for (SequenceStep& p : *parts) {
    all.push_back(There(std::move(p.in.x), device));
    for (Tensor& level : p.in.deepstack) level = There(std::move(level), device);
  }
  return ConcatRows(std::move(all));
}

}  // namespace

Tensor Decoder::Embed(const std::vector<int32_t>& ids) const {
  return EmbedRows(embed_, ids, spec_.embedding_scale);
}

Tensor Decoder::Normalise(const Tensor& x, const NormWeights& w) const {
  return spec_.norm == NormKind::kRms ? RmsNormalise(x, w.weight, spec_.rms_eps)
                                      : LayerNormalise(x, w.weight, w.bias, spec_.rms_eps);
}

void Decoder::AttentionBlock(int64_t layer, Tensor* x, Step* step) const {
  const Layer& l = layers_[static_cast<size_t>(layer)];
  Tensor y = Normalise(*x, l.before_attention);
  const Linear* inward[] = {&l.q, &l.k, &l.v};
  ApplyAll(y, inward, &step->projected);
  Tensor &q = step->projected[0], &k = step->projected[1], &v = step->projected[2];
  if (spec_.qk_norm) {
    q = RmsNormalise(q, l.q_norm, spec_.rms_eps);
    k = RmsNormalise(k, l.k_norm, spec_.rms_eps);
  }
  PagedAttentionSpec a;
  a.layer = layer;
  a.heads = spec_.heads;
  a.kv_heads = spec_.kv_heads;
  a.d = spec_.head_dim;
  a.scale =
      spec_.attention_scale > 0 ? spec_.attention_scale : 1 / std::sqrt(static_cast<float>(a.d));
  a.window = spec_.window(layer);
  bool local = a.window > 0 && spec_.local_rope_theta > 0;
  const RowAngles& angles = local ? step->local_angles : step->angles;
  RotateRows(&q, spec_.heads, angles);
  RotateRows(&k, spec_.kv_heads, angles);
  AppendRows(k, v, step->sequences, layer);
  std::vector<AttentionSettings> settings = AskHooks(step->hooks, q, step->sequences, a);
  Apply(PagedAttention(q, step->sequences, a, settings, &step->plans), l.o, &step->out);
  AddRows(x, 0, spec_.sandwich_norms ? Normalise(step->out, l.after_attention) : step->out);
  for (size_t i = 0; i < step->taps.size(); ++i) {
    StepTaps* taps = step->taps[i];
    if (!taps || !taps->want_attention) continue;
    AttentionSettings own = settings.empty() ? AttentionSettings() : settings[i];
    taps->last_row.push_back(LastRowWeights(q, step->sequences[i], a, own));
  }
}

void Decoder::MlpBlock(const Layer& l, Tensor* x, Step* step) const {
  Tensor y = Normalise(*x, l.before_mlp);
  const Linear* inward[] = {&l.gate, &l.up};
  ApplyAll(y, inward, &step->gated);
  Tensor &gate = step->gated[0], &up = step->gated[1];
  gate = spec_.activation == Activation::kSilu ? GatedSilu(std::move(gate), up)
                                               : GatedGeluTanh(std::move(gate), up);
  Apply(gate, l.down, &step->out);
  AddRows(x, 0, spec_.sandwich_norms ? Normalise(step->out, l.after_mlp) : step->out);
}

Decoder::Step Decoder::Plan(const std::vector<SequenceStep>& parts) const {
  Step step(device_);
  int64_t first = 0;
  for (const SequenceStep& p : parts) {
    int64_t t = p.in.x.rows();
    SL_CHECK(t > 0);
    CheckSize(p.in.x.cols(), "x", {"C", spec_.hidden});
    step.sequences.push_back({first, t, p.seq->length_, &p.seq->pages_});
    step.taps.push_back(p.taps);
    first += t;
  }
  auto hooked = [](const SequenceStep& p) { return static_cast<bool>(p.attention); };
  if (std::any_of(parts.begin(), parts.end(), hooked)) {
    for (const SequenceStep& p : parts) step.hooks.push_back(&p.attention);
  }
  std::vector<int32_t> positions = Positions(parts);
  step.angles = ToDevice(rope_.Angles(positions), device_);
  if (spec_.local_rope_theta > 0)
    step.local_angles = ToDevice(local_rope_.Angles(positions), device_);
  return step;
}

Status Decoder::Reserve(int64_t rows, Sequence* seq) const {
  if (rows > spec_.context - seq->length_) {
    return ErrorWithReason(absl::StatusCode::kOutOfRange, "CONTEXT_TOO_LONG",
                           "the prompt and its answer exceed the model's context of " +
                               std::to_string(spec_.context) + " tokens");
  }
  return seq->pages_.Reserve(seq->length_ + static_cast<int32_t>(rows));
}

Tensor Decoder::Run(std::vector<SequenceStep> parts) const {
  Step step = Plan(parts);
  Tensor x = TakeRows(&parts, device_);
  auto tap = [&](const Tensor& rows) {
    for (size_t i = 0; i < parts.size(); ++i) {
      const SequenceRows& s = step.sequences[i];
      if (parts[i].taps) parts[i].taps->hidden.push_back(RowsOf(rows, s.first, s.rows));
    }
  };
  for (int64_t i = 0; i < spec_.layers; ++i) {
    tap(x);
    AttentionBlock(i, &x, &step);
    MlpBlock(layers_[static_cast<size_t>(i)], &x, &step);
    for (size_t p = 0; p < parts.size(); ++p) {
      const std::vector<Tensor>& deep = parts[p].in.deepstack;
      if (i < static_cast<int64_t>(deep.size()))
        AddRows(&x, step.sequences[p].first, deep[static_cast<size_t>(i)]);
    }
  }
  for (size_t p = 0; p < parts.size(); ++p) {
    Sequence* seq = parts[p].seq;
    const std::vector<int32_t>& positions = parts[p].in.positions;
    auto rows = static_cast<int32_t>(step.sequences[p].rows);
    seq->length_ += rows;
    seq->next_position_ = positions.empty()
                              ? seq->next_position_ + rows
                              : std::max(seq->next_position_,
                                         *std::max_element(positions.begin(), positions.end()) + 1);
  }
  Tensor y = Normalise(x, norm_);
  tap(y);
  return y;
}

StatusOr<Tensor> Decoder::Run(StepInput in, Sequence* seq, StepTaps* taps,
                              AttentionHook attention) const {
  SL_RETURN_IF_ERROR(Reserve(in.x.rows(), seq));
  std::vector<SequenceStep> one;
  one.push_back({std::move(in), seq, taps, std::move(attention)});
  return Run(std::move(one));
}

Tensor Decoder::Logits(const Tensor& hidden) const {
  Tensor y = Apply(hidden, spec_.tied ? embed_ : head_);
  if (spec_.logit_cap > 0) CapInPlace(&y, spec_.logit_cap);
  return y;
}

StatusOr<std::vector<float>> Decoder::Forward(Tensor x, Sequence* seq) const {
  SL_ASSIGN_OR_RETURN(Tensor h, Run({std::move(x), {}, {}}, seq));
  return HostValues(Logits(RowsOf(h, h.rows() - 1, 1)));
}

StatusOr<Tensor> Decoder::ForwardAll(Tensor x, Sequence* seq) const {
  SL_ASSIGN_OR_RETURN(Tensor h, Run({std::move(x), {}, {}}, seq));
  return Logits(h);
}

}  // namespace sightline::language
