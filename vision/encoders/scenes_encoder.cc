#include "vision/encoders/scenes_encoder.h"

#include <cmath>
#include <map>
#include <mutex>

#include "compute/attention/attend_packed.h"
#include "vision/encoders/layer_weights.h"
#include "vision/select/grid_selectors.h"

namespace sightline::vision {
namespace {

struct Mlp {
  Linear fc1, fc2;
};
struct AttentionWeights {
  NormWeights norm1, norm2;
  Linear qkv, proj;
  Mlp mlp;
};

AttentionWeights ReadAttention(LayerReader* r, const std::string& p, const std::string& hat,
                               int64_t c, int64_t ratio, float eps) {
  AttentionWeights a;
  a.norm1 = r->Norm(p + hat + "norm1", c, eps);
  a.qkv = r->Dense(p + hat + "qkv", 3 * c, c);
  a.proj = r->Dense(p + hat + "proj", c, c);
  a.norm2 = r->Norm(p + hat + "norm2", c, eps);
  a.mlp = {r->Dense(p + hat + "mlp.fc1", c * ratio, c),
           r->Dense(p + hat + "mlp.fc2", c, c * ratio)};
  return a;
}

void AddMlp(Tensor* x, const AttentionWeights& a) {
  Tensor h = Apply(Normalise(*x, a.norm2), a.mlp.fc1);
  Gelu(&h);
  Add(x, Apply(h, a.mlp.fc2));
}

void AddAttention(Tensor* x, const AttentionWeights& a, int64_t heads, const AttentionPlan& plan) {
  Tensor qkv = Apply(Normalise(*x, a.norm1), a.qkv);
  auto scale = 1 / std::sqrt(static_cast<float>(x->cols() / heads));
  Add(x, Apply(AttendPacked(qkv, heads, scale, plan), a.proj));
}

// Mean and standard deviation over the map, appended to `out`.
void AppendPool(const Tensor& x, std::vector<float>* out) {
  std::vector<float> moments = HostValues(ColumnMoments(x));
  auto c = static_cast<size_t>(x.cols());
  out->insert(out->end(), moments.begin(), moments.begin() + x.cols());
  for (size_t j = 0; j < c; ++j) {
    out->push_back(static_cast<float>(std::sqrt(static_cast<double>(moments[c + j]) + 1e-6)));
  }
}

// Sines and cosines of normalised centre coordinates, [h * w, 128].
Tensor SinCos2d(int64_t h, int64_t w) {
  Tensor t({h, w, 128});
  for (int64_t y = 0; y < h; ++y) {
    for (int64_t x = 0; x < w; ++x) {
      float* p = t.row(y * w + x);
      for (int i = 0; i < 32; ++i) {
        double omega = 3.14159265358979323846 * std::exp2(6.0 * i / 31.0);
        double u = (static_cast<double>(x) + 0.5) / static_cast<double>(w) * omega,
               v = (static_cast<double>(y) + 0.5) / static_cast<double>(h) * omega;
        p[i] = static_cast<float>(std::sin(u));
        p[32 + i] = static_cast<float>(std::cos(u));
        p[64 + i] = static_cast<float>(std::sin(v));
        p[96 + i] = static_cast<float>(std::cos(v));
      }
    }
  }
  return t;
}

}  // namespace

struct ScenesEncoder::BilevelBlock {
  Conv pos, lce;
  AttentionWeights attn;
};

struct ScenesEncoder::Weights {
  struct Dilated {
    Conv pos;
    AttentionWeights attn;
  };
  struct Carrier {
    Conv pos;
    AttentionWeights hat, attn;
  };
  Conv stem0, stem1, stem2, down;
  Linear position, domain1, domain2;
  NormWeights stem_norm, down_norm, norm, domain_norm;
  std::vector<Dilated> stage1;
  std::vector<BilevelBlock> stage2;
  std::vector<Carrier> stage3;
  // Neighbourhood lists depend on the map's size alone: planned once per shape.
  mutable std::mutex mu;
  mutable std::map<std::vector<int32_t>, std::shared_ptr<const BlockList>> lists;

  std::shared_ptr<const BlockList> Neighbourhood(int32_t h, int32_t w, int32_t k, int32_t d) const {
    std::lock_guard<std::mutex> lock(mu);
    auto& slot = lists[{h, w, k, d}];
    if (!slot) slot = std::make_shared<BlockList>(NeighbourhoodList(h, w, k, d));
    return slot;
  }
};

ScenesEncoder::ScenesEncoder(ScenesVisionSpec spec)
    : spec_(std::move(spec)), w_(std::make_unique<Weights>()) {}
ScenesEncoder::~ScenesEncoder() = default;

StatusOr<std::unique_ptr<ScenesEncoder>> ScenesEncoder::Load(const ScenesVisionSpec& s,
                                                             const WeightFile& file,
                                                             const std::string& prefix,
                                                             const Device& device) {
  std::unique_ptr<ScenesEncoder> e(new ScenesEncoder(s));
  e->device_ = device;
  Weights& w = *e->w_;
  LayerReader r(file, prefix, device);
  w.stem0 = r.Conv3x3("stem0", s.stem0, 3);
  w.stem1 = r.Conv3x3("stem1", s.stem1, s.stem0);
  w.stem2 = r.Conv3x3("stem2.conv", s.dim1, s.stem1);
  w.stem_norm = r.Norm("stem2.norm", s.dim1, s.eps);
  for (size_t i = 0; i < s.dilations.size(); ++i) {
    std::string p = "stage1." + std::to_string(i) + ".";
    w.stage1.push_back(
        {r.Depthwise(p + "pos", s.dim1, 3), ReadAttention(&r, p, "", s.dim1, s.mlp_ratio, s.eps)});
  }
  w.down = r.Conv3x3("down.conv", s.dim2, s.dim1);
  w.down_norm = r.Norm("down.norm", s.dim2, s.eps);
  for (int64_t i = 0; i < s.depth2; ++i) {
    std::string p = "stage2." + std::to_string(i) + ".";
    w.stage2.push_back({r.Depthwise(p + "pos", s.dim2, 3), r.Depthwise(p + "lce", s.dim2, 5),
                        ReadAttention(&r, p, "", s.dim2, s.mlp_ratio, s.eps)});
  }
  w.position = r.Dense("position", s.dim2, 128);
  for (int64_t i = 0; i < s.depth3; ++i) {
    std::string p = "stage3." + std::to_string(i) + ".";
    w.stage3.push_back({r.Depthwise(p + "pos", s.dim2, 3),
                        ReadAttention(&r, p, "hat_", s.dim2, s.carrier_mlp_ratio, s.eps),
                        ReadAttention(&r, p, "", s.dim2, s.mlp_ratio, s.eps)});
  }
  w.norm = r.Norm("norm", s.dim2, s.eps);
  int64_t pooled = 2 * (s.dim1 + s.dim2);
  w.domain_norm = r.Norm("domain_norm", pooled, s.eps);
  w.domain1 = r.Dense("domain_fc1", s.domain_hidden, pooled);
  w.domain2 = r.Dense("domain_fc2", 1, s.domain_hidden);
  SL_RETURN_IF_ERROR(r.status());
  return e;
}

namespace {

// Windows of s x s tokens with m x m carriers in front: rows [window][carriers | pixels] of C.
struct WindowLayout {
  int64_t h, w, c, s, m;
  int64_t windows() const { return (h / s) * (w / s); }
  int64_t rows() const { return m * m + s * s; }
  // Raster row of pixel `p` of window `i`.
  int64_t Pixel(int64_t i, int64_t p) const {
    int64_t gw = w / s;
    return (i / gw * s + p / s) * w + i % gw * s + p % s;
  }
};

// Means of k x k pixels, windows one after the other.
Tensor InitialCarriers(const Tensor& x, const WindowLayout& l) {
  int64_t k = l.s / l.m, wide = l.w / k;
  Tensor means = AveragePool(x, {k, k, k, k});
  std::vector<int32_t> order;
  for (int64_t i = 0; i < l.windows(); ++i) {
    for (int64_t j = 0; j < l.m * l.m; ++j) {
      int64_t row = i / (l.w / l.s) * l.m + j / l.m, col = i % (l.w / l.s) * l.m + j % l.m;
      order.push_back(static_cast<int32_t>(row * wide + col));
    }
  }
  return GatherRows(means, order);
}

// Where the rows of all windows stand in the carriers' rows followed by the map's.
std::vector<int32_t> WindowRows(const WindowLayout& l) {
  std::vector<int32_t> rows;
  int64_t carriers = l.m * l.m, all = l.windows() * carriers;
  for (int64_t i = 0; i < l.windows(); ++i) {
    for (int64_t j = 0; j < carriers; ++j) rows.push_back(static_cast<int32_t>(i * carriers + j));
    for (int64_t p = 0; p < l.s * l.s; ++p) {
      rows.push_back(static_cast<int32_t>(all + l.Pixel(i, p)));
    }
  }
  return rows;
}

Tensor ToFloat(const uint8_t* rgb, int width, int height) {
  Tensor x({height, width, 3});
  for (size_t i = 0; i < x.data.size(); ++i)
    x.data[i] = (static_cast<float>(rgb[i]) / 255.0f - 0.5f) / 0.5f;
  return x;
}

}  // namespace

// Each region reads the regions whose means it likes best.
void ScenesEncoder::RunBilevel(const BilevelBlock& b, Tensor* x) const {
  int64_t h = x->shape[0], w = x->shape[1], c = spec_.dim2, n = spec_.n_win;
  Add(x, Conv2d(*x, b.pos));
  Tensor qkv = Apply(Normalise(*x, b.attn.norm1), b.attn.qkv);
  Tensor means = Reshaped(AveragePool(qkv, {h / n, w / n, h / n, w / n}), {n * n, 3 * c});
  Tensor affinity = Product(Columns(means, 0, c), Columns(means, c, c));
  auto routes = BestRoutes(HostValues(affinity), static_cast<int32_t>(spec_.topk));
  BlockList lists =
      RegionList(static_cast<int32_t>(h), static_cast<int32_t>(w), static_cast<int32_t>(n), routes);
  float scale = 1 / std::sqrt(static_cast<float>(c));
  Tensor o = AttendPacked(qkv, spec_.heads2, scale, lists);
  Add(&o, Conv2d(Columns(qkv, 2 * c, c), b.lce));
  Add(x, Apply(o, b.attn.proj));
  AddMlp(x, b.attn);
}

// Carriers attend to each other; then each window attends to its own rows and carriers.
void ScenesEncoder::RunCarriers(Tensor* map) const {
  WindowLayout layout{map->shape[0], map->shape[1], spec_.dim2, spec_.window, spec_.carrier};
  Tensor ct = InitialCarriers(*map, layout);
  auto carriers = static_cast<int32_t>(ct.rows());
  BlockList all = DenseList(carriers, carriers);
  BlockList windows =
      WindowList(static_cast<int32_t>(layout.windows()), static_cast<int32_t>(layout.rows()));
  AttentionPlan all_plan(device_, all), window_plan(device_, windows);
  std::vector<int32_t> rows = WindowRows(layout);
  for (const auto& b : w_->stage3) {
    AddAttention(&ct, b.hat, spec_.heads3, all_plan);
    AddMlp(&ct, b.hat);
    Add(map, Conv2d(*map, b.pos));
    Tensor both = JoinRows(ct, *map), y = GatherRows(both, rows);
    AddAttention(&y, b.attn, spec_.heads3, window_plan);
    AddMlp(&y, b.attn);
    ScatterRows(y, rows, &both);
    ct = Rows(both, 0, carriers);
    *map = Reshaped(Rows(both, carriers, map->rows()), map->shape);
  }
}

StatusOr<EncodedMap> ScenesEncoder::Encode(const uint8_t* rgb, int width, int height) const {
  const Weights& w = *w_;
  int32_t largest = 1;
  for (int32_t d : spec_.dilations) largest = std::max(largest, d);
  int64_t least = 8 * spec_.kernel * largest;
  if (width % 64 || height % 64 || width < least || height < least)
    return absl::InvalidArgumentError(
        "the encoder takes sides that are multiples of 64, at least " + std::to_string(least));
  Tensor x = Conv2d(ToFloat(rgb, width, height).To(device_), w.stem0);
  Gelu(&x);
  x = Conv2d(x, w.stem1);
  Gelu(&x);
  x = Normalise(Conv2d(x, w.stem2), w.stem_norm);
  for (size_t i = 0; i < w.stage1.size(); ++i) {
    Add(&x, Conv2d(x, w.stage1[i].pos));
    auto lists = w.Neighbourhood(static_cast<int32_t>(x.shape[0]), static_cast<int32_t>(x.shape[1]),
                                 static_cast<int32_t>(spec_.kernel), spec_.dilations[i]);
    AddAttention(&x, w.stage1[i].attn, spec_.heads1, AttentionPlan(device_, *lists));
    AddMlp(&x, w.stage1[i].attn);
  }
  std::vector<float> pooled;
  AppendPool(x, &pooled);
  x = Normalise(Conv2d(x, w.down), w.down_norm);
  for (const auto& b : w.stage2) RunBilevel(b, &x);
  Add(&x, Apply(SinCos2d(x.shape[0], x.shape[1]).To(device_), w.position));
  RunCarriers(&x);
  EncodedMap out;
  out.tokens = Normalise(x, w.norm);
  AppendPool(out.tokens, &pooled);
  auto width_pooled = static_cast<int64_t>(pooled.size());
  Tensor d = FromHost(std::move(pooled), {1, width_pooled}, device_);
  d = Apply(Normalise(d, w.domain_norm), w.domain1);
  Gelu(&d);
  out.domain_logit = HostValues(Apply(d, w.domain2))[0];
  return out;
}

}  // namespace sightline::vision
