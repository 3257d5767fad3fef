#include "vision/encoders/qwen_tower.h"

#include <algorithm>
#include <cmath>

#include "compute/attention/attend_packed.h"
#include "vision/select/frame_selectors.h"

namespace sightline::vision {
namespace {

struct Block {
  NormWeights norm1, norm2;
  Linear qkv, proj, gate, up, down;  // fc1 is `up`, fc2 `down` where the MLP isn't gated
};

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
  NormWeights norm;
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
                                                     const TensorReader& read, const Device& device,
                                                     WeightChoice weights) {
  SL_CHECK(s.hidden > 0 && s.heads > 0 && s.hidden % (4 * s.heads) == 0 && s.merge > 0);
  std::unique_ptr<QwenTower> e(new QwenTower());
  e->spec_ = s;
  e->device_ = device;
  WeightList list(read, device, weights);
  Weights& w = *e->w_;
  w.patch =
      list.Patches("patch_embed.proj", {s.hidden, 3, s.frames, s.patch, s.patch}, s.patch_bias);
  if (s.position_grid > 0)
    w.positions = list.Read("pos_embed.weight", {s.position_grid * s.position_grid, s.hidden});
  for (int64_t i = 0; i < s.layers && list.status().ok(); ++i) {
    std::string p = "blocks." + std::to_string(i) + ".";
    Block b;
    b.norm1 = list.Norm(p + "norm1", s.hidden, s.eps, s.layer_norm);
    b.norm2 = list.Norm(p + "norm2", s.hidden, s.eps, s.layer_norm);
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
    m.norm = list.Norm(p + (named ? "norm" : "ln_q"), n, s.eps, s.layer_norm);
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

void QwenTower::Norm(const Tensor& x, const NormWeights& norm, Tensor* y) const {
  spec_.layer_norm ? Normalise(x, norm, y) : NormaliseRms(x, norm, y);
}

// Bilinear between the learned grid's corners: patch y of h sits at y * (side - 1) / (h - 1).
void QwenTower::AddPositions(const Grid& g, Tensor* x) const {
  auto side = static_cast<int32_t>(spec_.position_grid);
  auto spot = [side](int32_t i, int32_t n) {
    return n > 1
               ? static_cast<float>(i) * (static_cast<float>(side - 1) / static_cast<float>(n - 1))
               : 0.0f;
  };
  std::vector<int32_t> corners;
  std::vector<float> weights;
  for (int32_t i = 0; i < g[0] * g[1] * g[2]; ++i) {
    auto [row, col] = PatchAt(i % (g[1] * g[2]), g[2], static_cast<int32_t>(spec_.merge));
    float y = spot(row, g[1]), xx = spot(col, g[2]);
    auto y0 = static_cast<int32_t>(y), x0 = static_cast<int32_t>(xx);
    int32_t y1 = std::min(y0 + 1, side - 1), x1 = std::min(x0 + 1, side - 1);
    float fy = y - static_cast<float>(y0), fx = xx - static_cast<float>(x0);
    corners.insert(corners.end(), {y0 * side + x0, y0 * side + x1, y1 * side + x0, y1 * side + x1});
    weights.insert(weights.end(), {(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx});
  }
  Add(x, MixRows(w_->positions, 4, corners, weights));
}

// The first half of the pairs turns by the row, the second by the column.
std::array<Tensor, 2> QwenTower::Turns(const Grid& g) const {
  int64_t half = spec_.hidden / spec_.heads / 2, quarter = half / 2;
  std::vector<float> f, cosine, sine;
  for (int64_t i = 0; i < quarter; ++i) {
    f.push_back(static_cast<float>(std::pow(
        static_cast<double>(spec_.theta), -static_cast<double>(i) / static_cast<double>(quarter))));
  }
  auto add = [&](float angle) {
    cosine.push_back(std::cos(angle));
    sine.push_back(std::sin(angle));
  };
  int32_t patches = g[0] * g[1] * g[2];
  for (int32_t i = 0; i < patches; ++i) {
    auto [row, col] = PatchAt(i % (g[1] * g[2]), g[2], static_cast<int32_t>(spec_.merge));
    for (float v : f) add(static_cast<float>(row) * v);
    for (float v : f) add(static_cast<float>(col) * v);
  }
  return {FromHost(std::move(cosine), {patches, half}, device_),
          FromHost(std::move(sine), {patches, half}, device_)};
}

Tensor QwenTower::Merge(const Tensor& x, const Merger& m) const {
  int64_t unit = spec_.merge * spec_.merge;
  std::vector<int64_t> joined = {x.rows() / unit, unit * spec_.hidden};
  Tensor y;
  Norm(m.norm_after ? Reshaped(x, joined) : x, m.norm, &y);
  y.shape = joined;
  Tensor h = Apply(y, m.fc1);
  Gelu(&h);
  return Apply(h, m.fc2);
}

TowerFeatures QwenTower::Encode(const Tensor& patches, const Grid& g) const {
  auto merge = static_cast<int32_t>(spec_.merge);
  SL_CHECK(g[0] > 0 && g[1] > 0 && g[2] > 0 && g[1] % merge == 0 && g[2] % merge == 0);
  SL_CHECK(patches.rows() == static_cast<int64_t>(g[0]) * g[1] * g[2] &&
           patches.cols() == spec_.patch_floats());
  Tensor x = Apply(patches.To(device_), w_->patch);
  if (spec_.position_grid > 0) AddPositions(g, &x);
  auto [cosine, sine] = Turns(g);
  BlockList whole = FrameList(g[0], g[1] * g[2]), windows;
  if (spec_.window > 0) {
    windows = UnitWindowList(g[0], g[1] / merge, g[2] / merge, static_cast<int32_t>(spec_.window),
                             merge * merge);
  }
  AttentionPlan whole_plan(device_, whole), window_plan(device_, windows);
  TowerFeatures features;
  const int64_t head = spec_.hidden / spec_.heads;
  float scale = 1 / std::sqrt(static_cast<float>(head));
  Tensor y, qkv, o;  // each layer's, in the same memory
  std::vector<Tensor> inner;
  for (int64_t i = 0; i < spec_.layers; ++i) {
    const Block& b = w_->blocks[static_cast<size_t>(i)];
    Norm(x, b.norm1, &y);
    Apply(y, b.qkv, &qkv);
    RotateHeads(cosine, sine, 2 * spec_.heads, &qkv);  // those of q, then those of k
    bool windowed = spec_.window > 0 && !Among(spec_.full_layers, i);
    o = AttendPacked(qkv, spec_.heads, scale, windowed ? window_plan : whole_plan);
    Apply(o, b.proj, &y);
    Add(&x, y);
    Norm(x, b.norm2, &y);
    const Linear* inward[] = {&b.up, &b.gate};
    ApplyAll(y, std::span(inward).first(spec_.gated_mlp ? 2 : 1), &inner);
    if (spec_.gated_mlp) {
      Gate(GateOp::kSilu, inner[1], &inner[0]);
    } else {
      Pointwise(PointOp::kGeluTanh, &inner[0]);
    }
    Apply(inner[0], b.down, &y);
    Add(&x, y);
    for (size_t k = 0; k < spec_.deepstack.size(); ++k) {
      if (spec_.deepstack[k] == i) features.deepstack.push_back(Merge(x, w_->deepstack[k]));
    }
  }
  features.rows = Merge(x, w_->merger);
  return features;
}

}  // namespace sightline::vision
