#include "vision/encoders/vit_image_encoder.h"

#include <cmath>

#include "compute/attention/attend_packed.h"

namespace sightline::vision {
namespace {

constexpr char kTower[] = "vision_model.";

// SigLIP's pooling: one learned query over all rows, then an MLP.
struct PoolingHead {
  Tensor probe;  // [1, C]; no shape: none
  Linear qkv, out, fc1, fc2;
  NormWeights norm;
};

class VitImageEncoder : public ImageEncoder {
 public:
  VitImageEncoder(std::unique_ptr<VitEncoder> tower, int64_t projection, EncoderWeights* w);
  StatusOr<EncodedImage> Encode(const Tensor& pixels) const override;

 private:
  Tensor Pool(const Tensor& rows) const;
  std::unique_ptr<VitEncoder> tower_;
  Linear projection_;
  PoolingHead head_;
};

VitImageEncoder::VitImageEncoder(std::unique_ptr<VitEncoder> tower, int64_t projection,
                                 EncoderWeights* w)
    : tower_(std::move(tower)) {
  const VitSpec& s = tower_->spec();
  std::string head = std::string(kTower) + "head.";
  if (projection > 0) projection_ = w->Dense("visual_projection", projection, s.hidden, false);
  if (!w->Has(head + "probe")) return;
  Tensor probe = w->Read(head + "probe", {1, 1, s.hidden});
  Tensor in = w->Read(head + "attention.in_proj_weight", {3 * s.hidden, s.hidden});
  Tensor bias = w->Read(head + "attention.in_proj_bias", {3 * s.hidden});
  if (w->usable()) {
    head_.probe = Reshaped(probe, {1, s.hidden});
    head_.qkv = PackLinear(in, bias);
  }
  head_.out = w->Dense(head + "attention.out_proj", s.hidden, s.hidden);
  head_.norm = w->Norm(head + "layernorm", s.hidden, s.eps);
  head_.fc1 = w->Dense(head + "mlp.fc1", s.ffn, s.hidden);
  head_.fc2 = w->Dense(head + "mlp.fc2", s.hidden, s.ffn);
}

Tensor VitImageEncoder::Pool(const Tensor& rows) const {
  const VitSpec& s = tower_->spec();
  if (s.class_row) {
    Tensor first = Rows(rows, 0, 1);
    return projection_.empty() ? first : Apply(first, projection_);
  }
  if (head_.probe.shape.empty()) return MeanRows(rows);
  BlockList list;  // the query stands before the rows that it reads
  list.Query(0);
  list.Key(1, static_cast<int32_t>(rows.rows()));
  list.EndTile();
  float scale = 1 / std::sqrt(static_cast<float>(s.hidden / s.heads));
  Tensor qkv = Apply(JoinRows(head_.probe, rows), head_.qkv);
  Tensor x = Apply(Rows(AttendPacked(qkv, s.heads, scale, list), 0, 1), head_.out);
  Tensor h = Apply(Normalise(x, head_.norm), head_.fc1);
  Activate(s.activation, &h);
  Add(&x, Apply(h, head_.fc2));
  return x;
}

StatusOr<EncodedImage> VitImageEncoder::Encode(const Tensor& pixels) const {
  const VitSpec& s = tower_->spec();
  SL_RETURN_IF_ERROR(CheckPixels(pixels, s.image, s.image));
  Tensor rows = tower_->Encode(Reshaped(pixels, {1, 3, s.image, s.image}));
  int64_t g = s.grid();
  EncodedImage out;
  out.features = s.class_row ? Rows(rows, 1, g * g) : rows;
  out.maps.push_back({"tokens", Reshaped(out.features, {g, g, s.hidden})});
  out.pooled = Pool(rows);
  return out;
}

}  // namespace

StatusOr<std::unique_ptr<ImageEncoder>> LoadVitImageEncoder(VitSpec spec, int64_t projection,
                                                            const WeightSource& source) {
  spec.run_layers = spec.layers;
  spec.post_norm = true;
  TensorReader tower_reader = [&](const std::string& name, const std::vector<int64_t>& shape) {
    return source.read(kTower + name, shape);
  };
  SL_ASSIGN_OR_RETURN(auto tower, VitEncoder::Load(spec, tower_reader, source.device));
  EncoderWeights w(source);
  auto encoder = std::make_unique<VitImageEncoder>(std::move(tower), projection, &w);
  SL_RETURN_IF_ERROR(w.status());
  EncoderInfo* info = encoder->mutable_info();
  info->architecture = spec.class_row ? "clip" : "siglip";
  info->channels = spec.hidden;
  info->channels_last_maps = true;
  return encoder;
}

}  // namespace sightline::vision
