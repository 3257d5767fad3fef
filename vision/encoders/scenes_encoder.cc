#include "vision/encoders/scenes_encoder.h"

#include <cmath>
#include <cstring>
#include <map>
#include <mutex>

#include "compute/attention/attention.h"
#include "vision/encoders/layer_weights.h"
#include "vision/select/grid_selectors.h"

namespace sightline::vision {
namespace {

struct Mlp {
  Linear fc1, fc2;
};
struct AttentionWeights {
  Norm norm1, norm2;
  Linear qkv, proj;
  Mlp mlp;
};

AttentionWeights ReadAttention(LayerReader* r, const std::string& p, const std::string& hat,
                               int64_t c, int64_t ratio) {
  AttentionWeights a;
  a.norm1 = r->LayerNorm(p + hat + "norm1", c);
  a.qkv = r->Dense(p + hat + "qkv", 3 * c, c);
  a.proj = r->Dense(p + hat + "proj", c, c);
  a.norm2 = r->LayerNorm(p + hat + "norm2", c);
  a.mlp = {r->Dense(p + hat + "mlp.fc1", c * ratio, c),
           r->Dense(p + hat + "mlp.fc2", c, c * ratio)};
  return a;
}

Tensor Normed(const Tensor& x, const Norm& n, float eps) {
  Tensor y(x.shape);
  LayerNorm(x.data.data(), x.rows(), x.cols(), n.weight.data(), n.bias.data(), eps, y.data.data());
  return y;
}

void AddMlp(Tensor* x, const AttentionWeights& a, float eps) {
  Tensor h = Apply(Normed(*x, a.norm2, eps), a.mlp.fc1);
  GeluInPlace(h.data.data(), static_cast<int64_t>(h.data.size()));
  Tensor y = Apply(h, a.mlp.fc2);
  AddInPlace(x->data.data(), y.data.data(), static_cast<int64_t>(y.data.size()));
}

// qkv rows [N, 3C] -> attention output [N, C].
Tensor AttendQkv(const Tensor& qkv, int64_t heads, float scale, const BlockList& lists) {
  int64_t n = qkv.rows(), c = qkv.cols() / 3;
  Tensor out({n, c});
  const float* k_page = qkv.data.data() + c;
  const float* v_page = qkv.data.data() + 2 * c;
  AttentionArgs a;
  a.q = qkv.data.data();
  a.q_stride = 3 * c;
  a.k = {&k_page, static_cast<int32_t>(n), 3 * c};
  a.v = {&v_page, static_cast<int32_t>(n), 3 * c};
  a.rows = n;
  a.heads = a.kv_heads = heads;
  a.d = c / heads;
  a.scale = scale;
  a.lists = &lists;
  a.out = out.data.data();
  Attend(a);
  return out;
}

void AddAttention(Tensor* x, const AttentionWeights& a, int64_t heads, const BlockList& lists,
                  float eps) {
  Tensor qkv = Apply(Normed(*x, a.norm1, eps), a.qkv);
  auto scale = 1 / std::sqrt(static_cast<float>(x->cols() / heads));
  Tensor y = Apply(AttendQkv(qkv, heads, scale, lists), a.proj);
  AddInPlace(x->data.data(), y.data.data(), static_cast<int64_t>(y.data.size()));
}

void AddDepthwise(Tensor* x, const DwConv& d) {
  Tensor y(x->shape);
  DepthwiseConv(x->data.data(), x->shape[0], x->shape[1], x->shape[2], d.k, d.weight.data(),
                d.bias.data(), false, y.data.data());
  AddInPlace(x->data.data(), y.data.data(), static_cast<int64_t>(y.data.size()));
}

// Mean and standard deviation over the map, appended to `out`.
void AppendPool(const Tensor& x, std::vector<float>* out) {
  int64_t n = x.rows(), c = x.cols();
  std::vector<double> mean(static_cast<size_t>(c)), var(static_cast<size_t>(c));
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < c; ++j) mean[static_cast<size_t>(j)] += x.row(i)[j];
  for (double& m : mean) m /= static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < c; ++j) {
      double d = x.row(i)[j] - mean[static_cast<size_t>(j)];
      var[static_cast<size_t>(j)] += d * d;
    }
  }
  for (double m : mean) out->push_back(static_cast<float>(m));
  for (double v : var)
    out->push_back(static_cast<float>(std::sqrt(v / static_cast<double>(n) + 1e-6)));
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

struct ScenesEncoder::Weights {
  struct Dilated {
    DwConv pos;
    AttentionWeights attn;
  };
  struct Bilevel {
    DwConv pos, lce;
    AttentionWeights attn;
  };
  struct Carrier {
    DwConv pos;
    AttentionWeights hat, attn;
  };
  Linear stem0, stem1, stem2, down, position, domain1, domain2;
  Norm stem_norm, down_norm, norm, domain_norm;
  std::vector<Dilated> stage1;
  std::vector<Bilevel> stage2;
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
                                                             const std::string& prefix) {
  std::unique_ptr<ScenesEncoder> e(new ScenesEncoder(s));
  Weights& w = *e->w_;
  LayerReader r(file, prefix);
  w.stem0 = r.Conv3x3("stem0", s.stem0, 3);
  w.stem1 = r.Conv3x3("stem1", s.stem1, s.stem0);
  w.stem2 = r.Conv3x3("stem2.conv", s.dim1, s.stem1);
  w.stem_norm = r.LayerNorm("stem2.norm", s.dim1);
  for (size_t i = 0; i < s.dilations.size(); ++i) {
    std::string p = "stage1." + std::to_string(i) + ".";
    w.stage1.push_back(
        {r.Depthwise(p + "pos", s.dim1, 3), ReadAttention(&r, p, "", s.dim1, s.mlp_ratio)});
  }
  w.down = r.Conv3x3("down.conv", s.dim2, s.dim1);
  w.down_norm = r.LayerNorm("down.norm", s.dim2);
  for (int64_t i = 0; i < s.depth2; ++i) {
    std::string p = "stage2." + std::to_string(i) + ".";
    w.stage2.push_back({r.Depthwise(p + "pos", s.dim2, 3), r.Depthwise(p + "lce", s.dim2, 5),
                        ReadAttention(&r, p, "", s.dim2, s.mlp_ratio)});
  }
  w.position = r.Dense("position", s.dim2, 128);
  for (int64_t i = 0; i < s.depth3; ++i) {
    std::string p = "stage3." + std::to_string(i) + ".";
    w.stage3.push_back({r.Depthwise(p + "pos", s.dim2, 3),
                        ReadAttention(&r, p, "hat_", s.dim2, s.carrier_mlp_ratio),
                        ReadAttention(&r, p, "", s.dim2, s.mlp_ratio)});
  }
  w.norm = r.LayerNorm("norm", s.dim2);
  int64_t pooled = 2 * (s.dim1 + s.dim2);
  w.domain_norm = r.LayerNorm("domain_norm", pooled);
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

Tensor InitialCarriers(const Tensor& x, const WindowLayout& l) {
  Tensor ct({l.windows() * l.m * l.m, l.c});
  int64_t k = l.s / l.m;
  for (int64_t i = 0; i < l.windows(); ++i) {
    for (int64_t p = 0; p < l.s * l.s; ++p) {
      int64_t carrier = p / l.s / k * l.m + p % l.s / k;
      AddInPlace(ct.row(i * l.m * l.m + carrier), x.row(l.Pixel(i, p)), l.c);
    }
  }
  for (float& v : ct.data) v /= static_cast<float>(k * k);
  return ct;
}

Tensor Gather(const Tensor& x, const Tensor& ct, const WindowLayout& l) {
  Tensor y({l.windows() * l.rows(), l.c});
  auto bytes = static_cast<size_t>(l.c) * sizeof(float);
  for (int64_t i = 0; i < l.windows(); ++i) {
    for (int64_t j = 0; j < l.m * l.m; ++j)
      std::memcpy(y.row(i * l.rows() + j), ct.row(i * l.m * l.m + j), bytes);
    for (int64_t p = 0; p < l.s * l.s; ++p)
      std::memcpy(y.row(i * l.rows() + l.m * l.m + p), x.row(l.Pixel(i, p)), bytes);
  }
  return y;
}

void Scatter(const Tensor& y, const WindowLayout& l, Tensor* x, Tensor* ct) {
  auto bytes = static_cast<size_t>(l.c) * sizeof(float);
  for (int64_t i = 0; i < l.windows(); ++i) {
    for (int64_t j = 0; j < l.m * l.m; ++j)
      std::memcpy(ct->row(i * l.m * l.m + j), y.row(i * l.rows() + j), bytes);
    for (int64_t p = 0; p < l.s * l.s; ++p)
      std::memcpy(x->row(l.Pixel(i, p)), y.row(i * l.rows() + l.m * l.m + p), bytes);
  }
}

Tensor ToFloat(const uint8_t* rgb, int width, int height) {
  Tensor x({height, width, 3});
  for (size_t i = 0; i < x.data.size(); ++i)
    x.data[i] = (static_cast<float>(rgb[i]) / 255.0f - 0.5f) / 0.5f;
  return x;
}

}  // namespace

StatusOr<EncodedMap> ScenesEncoder::Encode(const uint8_t* rgb, int width, int height) const {
  const Weights& w = *w_;
  int32_t largest = 1;
  for (int32_t d : spec_.dilations) largest = std::max(largest, d);
  int64_t least = 8 * spec_.kernel * largest;
  if (width % 64 || height % 64 || width < least || height < least)
    return absl::InvalidArgumentError(
        "the encoder takes sides that are multiples of 64, at least " + std::to_string(least));
  float eps = spec_.eps;
  Tensor x = Conv3x3Stride2(ToFloat(rgb, width, height), w.stem0);
  GeluInPlace(x.data.data(), static_cast<int64_t>(x.data.size()));
  x = Conv3x3Stride2(x, w.stem1);
  GeluInPlace(x.data.data(), static_cast<int64_t>(x.data.size()));
  x = Normed(Conv3x3Stride2(x, w.stem2), w.stem_norm, eps);
  for (size_t i = 0; i < w.stage1.size(); ++i) {
    AddDepthwise(&x, w.stage1[i].pos);
    auto lists = w.Neighbourhood(static_cast<int32_t>(x.shape[0]), static_cast<int32_t>(x.shape[1]),
                                 static_cast<int32_t>(spec_.kernel), spec_.dilations[i]);
    AddAttention(&x, w.stage1[i].attn, spec_.heads1, *lists, eps);
    AddMlp(&x, w.stage1[i].attn, eps);
  }
  std::vector<float> pooled;
  AppendPool(x, &pooled);
  x = Normed(Conv3x3Stride2(x, w.down), w.down_norm, eps);
  auto h = static_cast<int32_t>(x.shape[0]), wd = static_cast<int32_t>(x.shape[1]);
  int64_t c = spec_.dim2;
  for (const auto& b : w.stage2) {
    AddDepthwise(&x, b.pos);
    Tensor qkv = Apply(Normed(x, b.attn.norm1, eps), b.attn.qkv);
    auto routes = RouteRegions(qkv.data.data(), qkv.data.data() + c, 3 * c, h, wd, c,
                               static_cast<int32_t>(spec_.n_win), static_cast<int32_t>(spec_.topk));
    Tensor o = AttendQkv(qkv, spec_.heads2, 1 / std::sqrt(static_cast<float>(c)),
                         RegionList(h, wd, static_cast<int32_t>(spec_.n_win), routes));
    Tensor v({h, wd, c});
    for (int64_t i = 0; i < v.rows(); ++i)
      std::memcpy(v.row(i), qkv.row(i) + 2 * c, static_cast<size_t>(c) * sizeof(float));
    DepthwiseConv(v.data.data(), h, wd, c, b.lce.k, b.lce.weight.data(), b.lce.bias.data(), true,
                  o.data.data());
    Tensor y = Apply(o, b.attn.proj);
    AddInPlace(x.data.data(), y.data.data(), static_cast<int64_t>(y.data.size()));
    AddMlp(&x, b.attn, eps);
  }
  Tensor at = Apply(SinCos2d(h, wd), w.position);
  AddInPlace(x.data.data(), at.data.data(), static_cast<int64_t>(at.data.size()));
  WindowLayout layout{h, wd, c, spec_.window, spec_.carrier};
  Tensor ct = InitialCarriers(x, layout);
  BlockList all = DenseList(static_cast<int32_t>(ct.rows()), static_cast<int32_t>(ct.rows()));
  BlockList windows =
      WindowList(static_cast<int32_t>(layout.windows()), static_cast<int32_t>(layout.rows()));
  for (const auto& b : w.stage3) {
    AddAttention(&ct, b.hat, spec_.heads3, all, eps);
    AddMlp(&ct, b.hat, eps);
    AddDepthwise(&x, b.pos);
    Tensor y = Gather(x, ct, layout);
    AddAttention(&y, b.attn, spec_.heads3, windows, eps);
    AddMlp(&y, b.attn, eps);
    Scatter(y, layout, &x, &ct);
  }
  EncodedMap out;
  out.tokens = Normed(x, w.norm, eps);
  AppendPool(out.tokens, &pooled);
  Tensor d({1, static_cast<int64_t>(pooled.size())});
  d.data = pooled;
  d = Apply(Normed(d, w.domain_norm, eps), w.domain1);
  GeluInPlace(d.data.data(), static_cast<int64_t>(d.data.size()));
  out.domain_logit = Apply(d, w.domain2).data[0];
  return out;
}

}  // namespace sightline::vision
