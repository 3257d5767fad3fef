#include "vision/encoders/vit.h"

#include <cstring>

#include "compute/base/thread_pool.h"
#include "vision/select/frame_selectors.h"

namespace sightline::vision {
namespace {

struct Layer {
  NormWeights norm1, norm2;
  Linear q, k, v, o, fc1, fc2;
};

}  // namespace

struct VitEncoder::Weights {
  Tensor class_row;  // [1, C]
  Linear patch;
  Tensor positions;
  NormWeights pre, post;
  std::vector<Layer> layers;
};

VitEncoder::VitEncoder() : w_(std::make_unique<Weights>()) {}
VitEncoder::~VitEncoder() = default;

StatusOr<std::unique_ptr<VitEncoder>> VitEncoder::Load(const VitSpec& s, const TensorReader& read,
                                                       const Device& device, WeightChoice weights) {
  SL_CHECK(s.hidden > 0 && s.heads > 0 && s.hidden % s.heads == 0 && s.patch > 0);
  SL_CHECK(s.image >= s.patch && s.run_layers >= 0 && s.run_layers <= s.layers);
  std::unique_ptr<VitEncoder> e(new VitEncoder());
  e->spec_ = s;
  e->device_ = device;
  WeightList list(read, device, weights);
  auto norm = [&](const std::string& name) { return list.Norm(name, s.hidden, s.eps); };
  Weights& w = *e->w_;
  if (s.class_row) {
    w.class_row = list.Read("embeddings.class_embedding", {s.hidden});
    w.class_row.shape = {1, s.hidden};
  }
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
  Tensor rows = Apply(patches.To(device_), w_->patch);
  int64_t per = rows_per_image();
  if (spec_.class_row) {  // row 0 of the joined rows goes before those of each picture
    std::vector<int32_t> order;
    for (int64_t i = 0; i < n * per; ++i) {
      order.push_back(i % per == 0 ? 0 : static_cast<int32_t>(i / per * g * g + i % per));
    }
    rows = GatherRows(JoinRows(w_->class_row, rows), order);
  }
  std::vector<int32_t> spots;
  for (int64_t i = 0; i < n * per; ++i) spots.push_back(static_cast<int32_t>(i % per));
  Add(&rows, GatherRows(w_->positions, spots));
  return rows;
}

Tensor VitEncoder::Encode(const Tensor& pixels) const {
  SL_CHECK(pixels.shape.size() == 4 && pixels.shape[0] > 0 && pixels.shape[1] == 3);
  SL_CHECK(pixels.shape[2] == spec_.image && pixels.shape[3] == spec_.image);
  Tensor x = Embed(pixels);
  if (spec_.pre_norm) x = Normalise(x, w_->pre);
  BlockList lists =
      FrameList(static_cast<int32_t>(pixels.shape[0]), static_cast<int32_t>(rows_per_image()));
  AttentionPlan plan(device_, lists);
  Tensor y, h, o;  // each layer's, in the same memory
  std::vector<Tensor> qkv;
  for (const Layer& l : w_->layers) {
    Normalise(x, l.norm1, &y);
    const Linear* inward[] = {&l.q, &l.k, &l.v};
    ApplyAll(y, inward, &qkv);
    AttendRows(qkv[0], qkv[1], qkv[2], spec_.heads, plan, &o);
    Apply(o, l.o, &y);
    Add(&x, y);
    Normalise(x, l.norm2, &y);
    Apply(y, l.fc1, &h);
    Activate(spec_.activation, &h);
    Apply(h, l.fc2, &y);
    Add(&x, y);
  }
  return spec_.post_norm ? Normalise(x, w_->post) : x;
}

}  // namespace sightline::vision
