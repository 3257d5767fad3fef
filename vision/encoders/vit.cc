#include "vision/encoders/vit.h"

#include <cstring>

#include "compute/base/thread_pool.h"
#include "vision/select/frame_selectors.h"

namespace sightline::vision {
namespace {

struct NormPair {
  std::vector<float> weight, bias;
};

struct Layer {
  NormPair norm1, norm2;
  Linear q, k, v, o, fc1, fc2;
};

void Add(Tensor* x, const Tensor& y) {
  AddInPlace(x->data.data(), y.data.data(), static_cast<int64_t>(y.data.size()));
}

Tensor Normalise(const Tensor& x, const NormPair& n, float eps) {
  Tensor y(x.shape);
  LayerNorm(x.data.data(), x.rows(), x.cols(), n.weight.data(), n.bias.data(), eps, y.data.data());
  return y;
}

}  // namespace

struct VitEncoder::Weights {
  std::vector<float> class_row;
  Linear patch;
  Tensor positions;
  NormPair pre, post;
  std::vector<Layer> layers;
};

VitEncoder::VitEncoder() : w_(std::make_unique<Weights>()) {}
VitEncoder::~VitEncoder() = default;

StatusOr<std::unique_ptr<VitEncoder>> VitEncoder::Load(const VitSpec& s, const TensorReader& read,
                                                       WeightChoice weights) {
  SL_CHECK(s.hidden > 0 && s.heads > 0 && s.hidden % s.heads == 0 && s.patch > 0);
  SL_CHECK(s.image >= s.patch && s.run_layers >= 0 && s.run_layers <= s.layers);
  std::unique_ptr<VitEncoder> e(new VitEncoder());
  e->spec_ = s;
  WeightList list(read, weights);
  auto norm = [&](const std::string& name) {
    return NormPair{list.Vector(name + ".weight", s.hidden), list.Vector(name + ".bias", s.hidden)};
  };
  Weights& w = *e->w_;
  if (s.class_row) w.class_row = list.Vector("embeddings.class_embedding", s.hidden);
  w.patch =
      list.Patches("embeddings.patch_embedding", {s.hidden, 3, s.patch, s.patch}, s.patch_bias);
  w.positions = list.Read("embeddings.position_embedding.weight", {e->rows_per_image(), s.hidden});
  if (s.pre_norm) w.pre = norm("pre_layrnorm");  // the spelling of every published checkpoint
  for (int64_t i = 0; i < s.run_layers && list.status().ok(); ++i) {
    std::string p = "encoder.layers." + std::to_string(i) + ".";
    Layer l;
    l.norm1 = norm(p + "layer_norm1");
    l.norm2 = norm(p + "layer_norm2");
    l.q = list.Dense(p + "self_attn.q_proj", s.hidden, s.hidden);
    l.k = list.Dense(p + "self_attn.k_proj", s.hidden, s.hidden);
    l.v = list.Dense(p + "self_attn.v_proj", s.hidden, s.hidden);
    l.o = list.Dense(p + "self_attn.out_proj", s.hidden, s.hidden);
    l.fc1 = list.Dense(p + "mlp.fc1", s.ffn, s.hidden);
    l.fc2 = list.Dense(p + "mlp.fc2", s.hidden, s.ffn);
    w.layers.push_back(std::move(l));
  }
  if (s.post_norm) w.post = norm("post_layernorm");
  SL_RETURN_IF_ERROR(list.status());
  return e;
}

Tensor VitEncoder::Embed(const Tensor& pixels) const {
  int64_t n = pixels.shape[0], side = spec_.image, p = spec_.patch, g = spec_.grid();
  Tensor patches({n * g * g, 3 * p * p});
  ParallelFor(patches.rows(), 32, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t image = i / (g * g), gy = i / g % g, gx = i % g;
      float* out = patches.row(i);
      for (int64_t c = 0; c < 3; ++c) {
        for (int64_t y = 0; y < p; ++y, out += p) {
          const float* in = &pixels.data[static_cast<size_t>(
              ((image * 3 + c) * side + gy * p + y) * side + gx * p)];
          std::memcpy(out, in, static_cast<size_t>(p) * sizeof(float));
        }
      }
    }
  });
  Tensor rows = Apply(patches, w_->patch);
  int64_t per = rows_per_image(), first = spec_.class_row ? 1 : 0, width = spec_.hidden;
  Tensor x({n * per, width});
  for (int64_t i = 0; i < n; ++i) {
    if (first)
      std::memcpy(x.row(i * per), w_->class_row.data(), static_cast<size_t>(width) * sizeof(float));
    std::memcpy(x.row(i * per + first), rows.row(i * g * g),
                static_cast<size_t>(g * g * width) * sizeof(float));
    AddInPlace(x.row(i * per), w_->positions.data.data(), per * width);
  }
  return x;
}

Tensor VitEncoder::Encode(const Tensor& pixels) const {
  SL_CHECK(pixels.shape.size() == 4 && pixels.shape[0] > 0 && pixels.shape[1] == 3);
  SL_CHECK(pixels.shape[2] == spec_.image && pixels.shape[3] == spec_.image);
  Tensor x = Embed(pixels);
  if (spec_.pre_norm) x = Normalise(x, w_->pre, spec_.eps);
  BlockList lists =
      FrameList(static_cast<int32_t>(pixels.shape[0]), static_cast<int32_t>(rows_per_image()));
  for (const Layer& l : w_->layers) {
    Tensor y = Normalise(x, l.norm1, spec_.eps);
    const Linear* layers[] = {&l.q, &l.k, &l.v};
    std::vector<Tensor> qkv = ApplyAll(y, layers);
    HeadRows heads{qkv[0].data.data(), qkv[1].data.data(), qkv[2].data.data(),        x.rows(),
                   spec_.hidden,       spec_.heads,        spec_.hidden / spec_.heads};
    Add(&x, Apply(AttendRows(heads, lists), l.o));
    Tensor h = Apply(Normalise(x, l.norm2, spec_.eps), l.fc1);
    Activate(spec_.activation, &h);
    Add(&x, Apply(h, l.fc2));
  }
  return spec_.post_norm ? Normalise(x, w_->post, spec_.eps) : x;
}

}  // namespace sightline::vision
