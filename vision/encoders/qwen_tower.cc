#include "vision/encoders/qwen_tower.h"

#include <algorithm>
#include <cmath>

#include "vision/select/frame_selectors.h"

namespace sightline::vision {
namespace {

struct Block {
  std::vector<float> norm1, norm1_bias, norm2, norm2_bias;
  Linear qkv, proj, gate, up, down;  // fc1 is `up`, fc2 `down` where the MLP isn't gated
};

void Add(Tensor* x, const Tensor& y) {
  AddInPlace(x->data.data(), y.data.data(), static_cast<int64_t>(y.data.size()));
}

bool Among(const std::vector<int64_t>& list, int64_t x) {
  return std::find(list.begin(), list.end(), x) != list.end();
}

// The patch (row, column) of stored row i of a frame: units in raster order, rows inside a unit.
std::pair<int32_t, int32_t> PatchAt(int32_t i, int32_t w, int32_t merge) {
  int32_t unit = i / (merge * merge), inside = i % (merge * merge), wide = w / merge;
  return {unit / wide * merge + inside / merge, unit % wide * merge + inside % merge};
}

}  // namespace

struct QwenTower::Merger {
  std::vector<float> norm, bias;
  bool norm_after = false;  // over the joined rows instead of each
  Linear fc1, fc2;
};

struct QwenTower::Weights {
  Linear patch;
  Tensor positions;
  std::vector<Block> blocks;
  Merger merger;
  std::vector<Merger> deepstack;
};

QwenTower::QwenTower() : w_(std::make_unique<Weights>()) {}
QwenTower::~QwenTower() = default;

StatusOr<std::unique_ptr<QwenTower>> QwenTower::Load(const QwenTowerSpec& s,
                                                     const TensorReader& read,
                                                     WeightChoice weights) {
  SL_CHECK(s.hidden > 0 && s.heads > 0 && s.hidden % (4 * s.heads) == 0 && s.merge > 0);
  std::unique_ptr<QwenTower> e(new QwenTower());
  e->spec_ = s;
  WeightList list(read, weights);
  Weights& w = *e->w_;
  auto bias = [&](const std::string& name, int64_t n) {
    return s.layer_norm ? list.Vector(name + ".bias", n) : std::vector<float>();
  };
  w.patch =
      list.Patches("patch_embed.proj", {s.hidden, 3, s.frames, s.patch, s.patch}, s.patch_bias);
  if (s.position_grid > 0)
    w.positions = list.Read("pos_embed.weight", {s.position_grid * s.position_grid, s.hidden});
  for (int64_t i = 0; i < s.layers && list.status().ok(); ++i) {
    std::string p = "blocks." + std::to_string(i) + ".";
    Block b;
    b.norm1 = list.Vector(p + "norm1.weight", s.hidden);
    b.norm2 = list.Vector(p + "norm2.weight", s.hidden);
    b.norm1_bias = bias(p + "norm1", s.hidden);
    b.norm2_bias = bias(p + "norm2", s.hidden);
    b.qkv = list.Dense(p + "attn.qkv", 3 * s.hidden, s.hidden);
    b.proj = list.Dense(p + "attn.proj", s.hidden, s.hidden);
    // Whole blocks of quantised weights: zeros more, which every activation keeps.
    int64_t ffn = (s.ffn + kBlock - 1) / kBlock * kBlock;
    std::string up = s.gated_mlp ? "mlp.up_proj" : "mlp.linear_fc1",
                down = s.gated_mlp ? "mlp.down_proj" : "mlp.linear_fc2";
    if (s.gated_mlp) b.gate = list.PaddedDense(p + "mlp.gate_proj", s.ffn, s.hidden, ffn, s.hidden);
    b.up = list.PaddedDense(p + up, s.ffn, s.hidden, ffn, s.hidden);
    b.down = list.PaddedDense(p + down, s.hidden, s.ffn, s.hidden, ffn);
    w.blocks.push_back(std::move(b));
  }
  int64_t joined = s.hidden * s.merge * s.merge;
  auto merger = [&](const std::string& p, bool named, bool after) {
    Merger m;
    int64_t n = after ? joined : s.hidden;
    m.norm = list.Vector(p + (named ? "norm.weight" : "ln_q.weight"), n);
    m.bias = bias(p + "norm", n);
    m.norm_after = after;
    m.fc1 = list.Dense(p + (named ? "linear_fc1" : "mlp.0"), joined, joined);
    m.fc2 = list.Dense(p + (named ? "linear_fc2" : "mlp.2"), s.out, joined);
    return m;
  };
  w.merger = merger("merger.", s.layer_norm, false);
  for (size_t i = 0; i < s.deepstack.size(); ++i) {
    w.deepstack.push_back(merger("deepstack_merger_list." + std::to_string(i) + ".", true, true));
  }
  SL_RETURN_IF_ERROR(list.status());
  return e;
}

Tensor QwenTower::Normalise(const Tensor& x, const std::vector<float>& weight,
                            const std::vector<float>& bias) const {
  Tensor y(x.shape);
  if (spec_.layer_norm) {
    LayerNorm(x.data.data(), x.rows(), x.cols(), weight.data(), bias.data(), spec_.eps,
              y.data.data());
  } else {
    RmsNorm(x.data.data(), x.rows(), x.cols(), weight.data(), spec_.eps, y.data.data());
  }
  return y;
}

// Bilinear between the learned grid's corners: patch y of h sits at y * (side - 1) / (h - 1).
void QwenTower::AddPositions(const Grid& g, Tensor* x) const {
  auto side = static_cast<int32_t>(spec_.position_grid);
  auto spot = [side](int32_t i, int32_t n) {
    return n > 1
               ? static_cast<float>(i) * (static_cast<float>(side - 1) / static_cast<float>(n - 1))
               : 0.0f;
  };
  for (int32_t i = 0; i < g[1] * g[2]; ++i) {
    auto [row, col] = PatchAt(i, g[2], static_cast<int32_t>(spec_.merge));
    float y = spot(row, g[1]), xx = spot(col, g[2]);
    auto y0 = static_cast<int32_t>(y), x0 = static_cast<int32_t>(xx);
    int32_t y1 = std::min(y0 + 1, side - 1), x1 = std::min(x0 + 1, side - 1);
    float fy = y - static_cast<float>(y0), fx = xx - static_cast<float>(x0);
    const float *a = w_->positions.row(y0 * side + x0), *b = w_->positions.row(y0 * side + x1);
    const float *c = w_->positions.row(y1 * side + x0), *d = w_->positions.row(y1 * side + x1);
    for (int32_t t = 0; t < g[0]; ++t) {
      float* out = x->row(static_cast<int64_t>(t) * g[1] * g[2] + i);
      for (int64_t k = 0; k < spec_.hidden; ++k) {
        out[k] += (1 - fy) * ((1 - fx) * a[k] + fx * b[k]) + fy * ((1 - fx) * c[k] + fx * d[k]);
      }
    }
  }
}

// The first half of the pairs turns by the row, the second by the column.
QwenTower::Turns QwenTower::TurnsOf(const Grid& g) const {
  int64_t half = spec_.hidden / spec_.heads / 2, quarter = half / 2;
  std::vector<float> f;
  Turns out;
  auto turn = [&out](float angle) {
    out.cosine.push_back(std::cos(angle));
    out.sine.push_back(std::sin(angle));
  };
  for (int64_t i = 0; i < quarter; ++i) {
    f.push_back(static_cast<float>(std::pow(
        static_cast<double>(spec_.theta), -static_cast<double>(i) / static_cast<double>(quarter))));
  }
  for (int32_t t = 0; t < g[0]; ++t) {
    for (int32_t i = 0; i < g[1] * g[2]; ++i) {
      auto [row, col] = PatchAt(i, g[2], static_cast<int32_t>(spec_.merge));
      for (float v : f) turn(static_cast<float>(row) * v);
      for (float v : f) turn(static_cast<float>(col) * v);
    }
  }
  return out;
}

Tensor QwenTower::Merge(const Tensor& x, const Merger& m) const {
  int64_t unit = spec_.merge * spec_.merge;
  Tensor y = m.norm_after ? x : Normalise(x, m.norm, m.bias);
  y.shape = {x.rows() / unit, unit * spec_.hidden};
  if (m.norm_after) y = Normalise(y, m.norm, m.bias);
  Tensor h = Apply(y, m.fc1);
  Activate(VisionActivation::kGelu, &h);
  return Apply(h, m.fc2);
}

TowerFeatures QwenTower::Encode(const Tensor& patches, const Grid& g) const {
  auto merge = static_cast<int32_t>(spec_.merge);
  SL_CHECK(g[0] > 0 && g[1] > 0 && g[2] > 0 && g[1] % merge == 0 && g[2] % merge == 0);
  SL_CHECK(patches.rows() == static_cast<int64_t>(g[0]) * g[1] * g[2] &&
           patches.cols() == spec_.patch_floats());
  Tensor x = Apply(patches, w_->patch);
  if (spec_.position_grid > 0) AddPositions(g, &x);
  Turns turns = TurnsOf(g);
  BlockList whole = FrameList(g[0], g[1] * g[2]), windows;
  if (spec_.window > 0) {
    windows = UnitWindowList(g[0], g[1] / merge, g[2] / merge, static_cast<int32_t>(spec_.window),
                             merge * merge);
  }
  TowerFeatures features;
  int64_t c = spec_.hidden, d = c / spec_.heads;
  for (int64_t i = 0; i < spec_.layers; ++i) {
    const Block& b = w_->blocks[static_cast<size_t>(i)];
    Tensor qkv = Apply(Normalise(x, b.norm1, b.norm1_bias), b.qkv);
    RotateHeads(qkv.data.data(), qkv.rows(), 3 * c, 2 * spec_.heads, d, turns.cosine.data(),
                turns.sine.data());  // heads of q, then of k
    const float* q = qkv.data.data();
    const BlockList& lists = spec_.window > 0 && !Among(spec_.full_layers, i) ? windows : whole;
    Add(&x,
        Apply(AttendRows({q, q + c, q + 2 * c, x.rows(), 3 * c, spec_.heads, d}, lists), b.proj));
    Tensor y = Normalise(x, b.norm2, b.norm2_bias), up;
    if (spec_.gated_mlp) {
      const Linear* layers[] = {&b.up, &b.gate};
      std::vector<Tensor> both = ApplyAll(y, layers);
      up = std::move(both[0]);
      SiluMul(both[1].data.data(), up.data.data(), static_cast<int64_t>(up.data.size()),
              up.data.data());
    } else {
      up = Apply(y, b.up);
      Activate(VisionActivation::kGeluTanh, &up);
    }
    Add(&x, Apply(up, b.down));
    for (size_t k = 0; k < spec_.deepstack.size(); ++k) {
      if (spec_.deepstack[k] == i) features.deepstack.push_back(Merge(x, w_->deepstack[k]));
    }
  }
  features.rows = Merge(x, w_->merger);
  return features;
}

}  // namespace sightline::vision
