// Lists, edits and taps of attention through the decoder, for prompts in chunks and for single
// rows: a small random decoder against plain loops in double precision over the whole sequence.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <random>

#include "compute/ops/decoder_ops.h"
#include "language/decoder.h"

namespace sightline::language {
namespace {

using Rng = std::mt19937;
using Matrix = std::vector<std::vector<double>>;

size_t At(int64_t i) { return static_cast<size_t>(i); }

DecoderSpec SmallSpec(int64_t d) {
  DecoderSpec s;
  s.hidden = 40, s.ffn = 56, s.layers = 4, s.heads = 4, s.kv_heads = 2, s.head_dim = d,
  s.vocab = 61;
  s.windows = {0, 9, 0, 0};
  return s;
}

// Weights drawn when first asked for.
class RandomWeights {
 public:
  explicit RandomWeights(unsigned seed) : rng_(seed) {}
  StatusOr<StoredTensor> operator()(const std::string& name, const std::vector<int64_t>& shape) {
    auto& w = all_[name];
    if (w.empty()) {
      bool norm = shape.size() == 1;
      std::normal_distribution<float> draw(
          norm ? 1 : 0, norm ? 0.1f : 1 / std::sqrt(static_cast<float>(shape.back())));
      w.resize(At(Tensor::Count(shape)));
      for (float& x : w) x = draw(rng_);
    }
    return StoredTensor{BlockFormat::kF32, shape, w.data(), nullptr};
  }
  const std::vector<float>& operator[](const std::string& name) const { return all_.at(name); }

 private:
  Rng rng_;
  std::map<std::string, std::vector<float>> all_;
};

// What a mechanism asks of one layer, for every row of a sequence: null tables, nothing.
struct LayerAsk {
  std::vector<std::vector<int32_t>> sees;  // [T], keys of each row, itself or earlier
  bool listed = false, edited = false, tapped = false;
  EditPlan edit;  // key_class of the whole sequence
};

// A sequence's hook, and what its taps gave.
class Mechanism {
 public:
  Mechanism(const DecoderSpec& spec, std::vector<LayerAsk> layers)
      : spec_(spec),
        layers_(std::move(layers)),
        edits_(layers_.size()),
        taps_(layers_.size()),
        lists_(layers_.size()),
        mass_(layers_.size()) {}

  AttentionSettings operator()(const AttentionView& view) {
    auto l = At(view.spec.layer);
    EXPECT_EQ(view.q.cols(), spec_.heads * spec_.head_dim);
    EXPECT_EQ(view.spec.window, spec_.window(view.spec.layer));
    EXPECT_LE(view.rows.first + view.rows.rows, view.q.rows());
    const LayerAsk& ask = layers_[l];
    lists_[l] = BlockList();
    lists_[l].causal = l % 2;
    lists_[l].query_offset = view.rows.length;
    const auto end = view.rows.length + static_cast<int32_t>(view.rows.rows);
    for (int32_t i = 0; ask.listed && i < view.rows.rows; ++i) {
      int32_t row = view.rows.length + i;
      lists_[l].Query(i);
      for (int32_t key : ask.sees[At(row)]) lists_[l].Key(key);
      // A causal list drops keys that come later.
      if (lists_[l].causal && row + 1 < end) lists_[l].Key(row + 1, end - row - 1);
      lists_[l].EndTile();
    }
    edits_[l] = ask.edit;
    if (!ask.edit.key_class.empty()) edits_[l].key_class.resize(At(end));
    return {ask.listed ? &lists_[l] : nullptr, ask.edited ? &edits_[l] : nullptr,
            ask.tapped ? &taps_[l] : nullptr};
  }
  // After a step: its rows' masses, behind those of the steps before.
  void Collect() {
    for (size_t l = 0; l < taps_.size(); ++l)
      mass_[l].insert(mass_[l].end(), taps_[l].mass.begin(), taps_[l].mass.end());
  }
  const std::vector<float>& mass(size_t layer) const { return mass_[layer]; }  // [T, H, classes]
  const std::vector<LayerAsk>& layers() const { return layers_; }

 private:
  const DecoderSpec& spec_;
  std::vector<LayerAsk> layers_;
  std::vector<EditPlan> edits_;
  std::vector<ScoreTap> taps_;
  std::vector<BlockList> lists_;
  std::vector<std::vector<float>> mass_;
};

// The same decoder over all rows at once, in double precision.
class PlainDecoder {
 public:
  PlainDecoder(const DecoderSpec& spec, const RandomWeights& w) : s_(spec), w_(w) {}

  // weights [layer][(row * H + head)][key], before rescaling.
  std::vector<Matrix> weights;

  Matrix Run(const std::vector<int32_t>& ids, const std::vector<LayerAsk>& asks) {
    weights.assign(At(s_.layers), Matrix());
    Matrix x;
    for (int32_t id : ids) {
      const float* row = &w_["embed_tokens.weight"][At(id * s_.hidden)];
      x.emplace_back(row, row + s_.hidden);
    }
    for (int64_t l = 0; l < s_.layers; ++l) {
      std::string p = "layers." + std::to_string(l) + ".";
      Matrix y = Norm(x, p + "input_layernorm.weight");
      Matrix q = Times(y, p + "self_attn.q_proj.weight"),
             k = Times(y, p + "self_attn.k_proj.weight"),
             v = Times(y, p + "self_attn.v_proj.weight");
      Rotate(&q);
      Rotate(&k);
      Add(&x, Times(Attend(q, k, v, asks[At(l)], &weights[At(l)]), p + "self_attn.o_proj.weight"));
      y = Norm(x, p + "post_attention_layernorm.weight");
      Matrix gate = Times(y, p + "mlp.gate_proj.weight"), up = Times(y, p + "mlp.up_proj.weight");
      for (size_t t = 0; t < gate.size(); ++t)
        for (size_t i = 0; i < gate[t].size(); ++i)
          gate[t][i] *= up[t][i] / (1 + std::exp(-gate[t][i]));
      Add(&x, Times(gate, p + "mlp.down_proj.weight"));
    }
    return Norm(x, "norm.weight");
  }

 private:
  Matrix Norm(const Matrix& x, const std::string& name) const {
    const std::vector<float>& w = w_[name];
    Matrix y = x;
    for (auto& row : y) {
      double square = 0;
      for (double v : row) square += v * v;
      double r = 1 / std::sqrt(square / static_cast<double>(row.size()) + s_.rms_eps);
      for (size_t i = 0; i < row.size(); ++i) row[i] *= r * w[i];
    }
    return y;
  }
  Matrix Times(const Matrix& x, const std::string& name) const {
    const std::vector<float>& w = w_[name];
    size_t k = x[0].size(), n = w.size() / k;
    Matrix y(x.size(), std::vector<double>(n));
    for (size_t t = 0; t < x.size(); ++t)
      for (size_t o = 0; o < n; ++o)
        for (size_t i = 0; i < k; ++i) y[t][o] += x[t][i] * w[o * k + i];
    return y;
  }
  static void Add(Matrix* x, const Matrix& y) {
    for (size_t t = 0; t < y.size(); ++t)
      for (size_t i = 0; i < y[t].size(); ++i) (*x)[t][i] += y[t][i];
  }
  void Rotate(Matrix* x) const {
    const size_t d = At(s_.head_dim), half = d / 2;
    for (size_t t = 0; t < x->size(); ++t) {
      for (size_t h = 0; h < (*x)[t].size(); h += d) {
        for (size_t i = 0; i < half; ++i) {
          double angle = static_cast<double>(t) * std::pow(static_cast<double>(s_.rope_theta),
                                                           -static_cast<double>(i) / half);
          double a = (*x)[t][h + i], b = (*x)[t][h + i + half];
          (*x)[t][h + i] = a * std::cos(angle) - b * std::sin(angle);
          (*x)[t][h + i + half] = b * std::cos(angle) + a * std::sin(angle);
        }
      }
    }
  }
  Matrix Attend(const Matrix& q, const Matrix& k, const Matrix& v, const LayerAsk& ask,
                Matrix* given) const {
    const size_t d = At(s_.head_dim), heads = At(s_.heads), share = heads / At(s_.kv_heads);
    Matrix out(q.size(), std::vector<double>(heads * d));
    for (size_t t = 0; t < q.size(); ++t) {
      for (size_t h = 0; h < heads; ++h) {
        auto edit = [&](const std::vector<float>& table, int32_t key, double neutral) {
          return !ask.edited || table.empty()
                     ? neutral
                     : table[h * At(ask.edit.classes) + ask.edit.key_class[At(key)]];
        };
        std::vector<double> p(q.size());
        double sum = 0;
        for (int32_t j : ask.sees[t]) {
          double dot = 0;
          for (size_t i = 0; i < d; ++i) dot += q[t][h * d + i] * k[At(j)][h / share * d + i];
          dot /= std::sqrt(static_cast<double>(d));
          sum += p[At(j)] = std::exp(dot * edit(ask.edit.gain, j, 1) + edit(ask.edit.bias, j, 0));
        }
        double gain = ask.edited && !ask.edit.head_gain.empty() ? ask.edit.head_gain[h] : 1;
        for (int32_t j : ask.sees[t]) {
          p[At(j)] /= sum;
          for (size_t i = 0; i < d; ++i)
            out[t][h * d + i] +=
                gain * p[At(j)] * edit(ask.edit.rescale, j, 1) * v[At(j)][h / share * d + i];
        }
        given->push_back(std::move(p));
      }
    }
    return out;
  }

  const DecoderSpec& s_;
  const RandomWeights& w_;
};

class DecoderAttention : public ::testing::TestWithParam<int64_t> {  // D
 protected:
  void SetUp() override {
    auto decoder =
        Decoder::Load(spec_, [this](const std::string& name, const std::vector<int64_t>& shape) {
          return weights_(name, shape);
        });
    ASSERT_TRUE(decoder.ok()) << decoder.status();
    decoder_ = *std::move(decoder);
    pool_ = std::make_unique<PagePool>(decoder_->page_numbers(), int64_t{1} << 28);
    for (int i = 0; i < 150; ++i) ids_.push_back(static_cast<int32_t>(rng_() % 61));
  }
  Sequence Empty() { return {pool_.get(), spec_.layers}; }
  bool Coin() { return rng_() % 2; }
  std::vector<float> Table(size_t n, float mean, float spread) {
    std::normal_distribution<float> draw(mean, spread);
    std::vector<float> table(n);
    for (float& x : table) x = draw(rng_);
    return table;
  }

  // Layers that ask for nothing.
  std::vector<LayerAsk> Nothing() const {
    std::vector<LayerAsk> asks(At(spec_.layers));
    for (size_t l = 0; l < asks.size(); ++l) {
      for (int32_t t = 0; t < std::ssize(ids_); ++t) {
        asks[l].sees.emplace_back();
        int32_t window = spec_.window(static_cast<int64_t>(l));
        for (int32_t j = window > 0 ? std::max(0, t + 1 - window) : 0; j <= t; ++j)
          asks[l].sees.back().push_back(j);
      }
    }
    return asks;
  }
  // Layer 0 is edited, 1 reads a list in place of its window, 2 both, 3 only classes to tap.
  std::vector<LayerAsk> Something() {
    std::vector<LayerAsk> asks = Nothing();
    for (size_t l = 0; l < asks.size(); ++l) {
      LayerAsk& ask = asks[l];
      ask.listed = l == 1 || l == 2;
      ask.edited = l != 1;
      ask.tapped = ask.edited;
      for (int32_t t = 0; ask.listed && t < std::ssize(ids_); ++t) {
        ask.sees[At(t)].clear();
        for (int32_t j = 0; j < t; ++j)
          if (Coin()) ask.sees[At(t)].push_back(j);
        ask.sees[At(t)].push_back(t);
      }
      if (!ask.edited) continue;
      ask.edit.classes = 3;
      for (size_t t = 0; t < ids_.size(); ++t)
        ask.edit.key_class.push_back(static_cast<uint8_t>(rng_() % 3));
      if (l == 3) continue;
      size_t n = At(spec_.heads) * 3;
      ask.edit.bias = Table(n, 0, 1);
      ask.edit.gain = Table(n, 1, 0.5f);
      ask.edit.rescale = Table(n, 1, 0.5f);
      ask.edit.head_gain = Table(At(spec_.heads), 1, 0.5f);
    }
    return asks;
  }
  StepInput Part(size_t first, size_t n) const {
    auto from = ids_.begin() + static_cast<std::ptrdiff_t>(first);
    return {decoder_->Embed({from, from + static_cast<std::ptrdiff_t>(n)}), {}, {}};
  }
  // The whole sequence in chunks, long and of one row: [T, C].
  Tensor InChunks(const AttentionHook& hook, Mechanism* mechanism = nullptr,
                  StepTaps* taps_of_last = nullptr) {
    Sequence seq = Empty();
    std::vector<Tensor> out;
    size_t at = 0;
    for (size_t n : {70, 1, 1, 40, 2, 1, 33, 1, 1}) {
      bool last = at + n == ids_.size();
      auto step = decoder_->Run(Part(at, n), &seq, last ? taps_of_last : nullptr, hook);
      EXPECT_TRUE(step.ok());
      out.push_back(*std::move(step));
      if (mechanism) mechanism->Collect();
      at += n;
    }
    EXPECT_EQ(at, ids_.size());
    return ConcatRows(std::move(out));
  }
  static double Difference(const Tensor& got, const Matrix& want) {
    double most = 0;
    for (size_t t = 0; t < want.size(); ++t)
      for (size_t i = 0; i < want[t].size(); ++i)
        most = std::max(most, std::fabs(got.row(static_cast<int64_t>(t))[i] - want[t][i]));
    return most;
  }

  const unsigned seed_ = std::random_device{}();
  testing::ScopedTrace trace_{__FILE__, __LINE__, seed_};
  Rng rng_{seed_};
  DecoderSpec spec_ = SmallSpec(GetParam());
  RandomWeights weights_{seed_ + 1};
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<PagePool> pool_;
  std::vector<int32_t> ids_;
};

TEST_P(DecoderAttention, ListsEditsAndTapsArePlainLoops) {
  Mechanism mechanism(spec_, Something());
  PlainDecoder plain(spec_, weights_);
  StepTaps taps;
  taps.want_attention = true;
  Tensor got = InChunks(std::ref(mechanism), &mechanism, &taps);
  Matrix want = plain.Run(ids_, mechanism.layers());
  EXPECT_LT(Difference(got, want), 5e-4);
  for (size_t l = 0; l < At(spec_.layers); ++l) {
    const LayerAsk& ask = mechanism.layers()[l];
    for (size_t row = 0; ask.tapped && row < ids_.size() * At(spec_.heads); ++row) {
      double mass[3] = {}, sum = 0;
      for (size_t j = 0; j < ids_.size(); ++j)
        mass[ask.edit.key_class[j]] += plain.weights[l][row][j];
      for (size_t c = 0; c < 3; ++c) {
        ASSERT_NEAR(mechanism.mass(l)[row * 3 + c], mass[c], 2e-4) << l << " " << row;
        sum += mechanism.mass(l)[row * 3 + c];
      }
      ASSERT_NEAR(sum, 1, 1e-5);
    }
    for (size_t h = 0; h < At(spec_.heads); ++h)
      for (size_t j = 0; j < ids_.size(); ++j)
        ASSERT_NEAR(taps.last_row[l].row(static_cast<int64_t>(h))[j],
                    plain.weights[l][(ids_.size() - 1) * At(spec_.heads) + h][j], 2e-4);
  }
  EXPECT_GT(Difference(InChunks({}), want), 0.05);  // the settings do matter
}

TEST_P(DecoderAttention, NeutralHooksGiveTheBitsOfNone) {
  Tensor want = InChunks({});
  PlainDecoder plain(spec_, weights_);
  EXPECT_LT(Difference(want, plain.Run(ids_, Nothing())), 5e-4);
  EXPECT_EQ(InChunks([](const AttentionView&) { return AttentionSettings(); }).data, want.data);
  std::vector<LayerAsk> neutral = Nothing();
  for (LayerAsk& ask : neutral) {
    size_t n = At(spec_.heads) * 2;
    ask.edited = true, ask.tapped = Coin();
    ask.edit.classes = 2;
    ask.edit.key_class.assign(ids_.size(), 1);
    ask.edit.gain.assign(n, 1), ask.edit.bias.assign(n, 0), ask.edit.rescale.assign(n, 1);
    ask.edit.head_gain.assign(At(spec_.heads), 1);
  }
  Mechanism mechanism(spec_, neutral);
  EXPECT_EQ(InChunks(std::ref(mechanism)).data, want.data);
}

// A hook acts on its own sequence of a step and on no other.
TEST_P(DecoderAttention, AHookIsOfItsOwnSequence) {
  Sequence before = Empty(), plain = Empty(), after = Empty(), alone = Empty();
  auto want_plain = decoder_->Run(Part(3, 50), &alone);
  Mechanism one(spec_, Something()), two(spec_, Something());
  std::vector<SequenceStep> parts;
  for (auto& [seq, hook] : std::initializer_list<std::pair<Sequence*, AttentionHook>>{
           {&before, std::ref(one)}, {&plain, {}}, {&after, std::ref(two)}}) {
    ASSERT_TRUE(decoder_->Reserve(50, seq).ok());
    parts.push_back({Part(seq == &plain ? 3 : 0, 50), seq, nullptr, hook});
  }
  Tensor out = decoder_->Run(std::move(parts));
  EXPECT_EQ(RowsOf(out, 50, 50).data, want_plain->data);
  for (auto [mechanism, first] : {std::pair(&one, 0), std::pair(&two, 100)}) {
    Sequence own = Empty();
    auto want = decoder_->Run(Part(0, 50), &own, nullptr, std::ref(*mechanism));
    EXPECT_EQ(RowsOf(out, first, 50).data, want->data);
  }
}

// With the CPU's kernel for few rows, and without.
INSTANTIATE_TEST_SUITE_P(HeadWidths, DecoderAttention, ::testing::Values(16, 64, 12));

}  // namespace
}  // namespace sightline::language
