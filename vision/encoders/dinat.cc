#include "vision/encoders/dinat.h"

#include <algorithm>
#include <cmath>

#include "compute/attention/attend_packed.h"
#include "vision/encoders/plan_cache.h"
#include "vision/select/grid_selectors.h"

namespace sightline::vision {
namespace {

struct Block {
  int64_t dilation = 1;
  NormWeights norm1, norm2;
  Linear qkv, proj;
  Tensor bias;  // [H, (2K - 1)^2]
  MlpLayers mlp;
  Tensor gain1, gain2;
};

struct Level {
  int64_t heads = 1;
  std::vector<Block> blocks;
  Conv down;  // not of the last level
  NormWeights down_norm;
};

struct Plan {
  BlockList lists;
  BiasPlaces places;
};

// The two layouts of names in use.
struct Names {
  bool hub = false;  // transformers' names
  std::string patch, norm, head;
  std::string Level(int64_t l) const {
    return (hub ? "dinat.encoder.levels." : "levels.") + std::to_string(l) + ".";
  }
  std::string Block(int64_t l, int64_t b) const {
    return Level(l) + (hub ? "layers." : "blocks.") + std::to_string(b) + ".";
  }
};

Names NamesOf(const EncoderWeights& w) {
  if (!w.Has("dinat.layernorm.weight")) return {false, "patch_embed.", "norm", "head"};
  return {true, "dinat.embeddings.", "dinat.layernorm", "classifier"};
}

class Dinat : public ImageEncoder {
 public:
  Dinat(const DinatSpec& spec, EncoderWeights* w);
  StatusOr<EncodedImage> Encode(const Tensor& pixels) const override;

 private:
  Block ReadBlock(const Names& names, int64_t level, int64_t index, EncoderWeights* w) const;
  void ReadAttention(const Names& names, const std::string& name, int64_t c, EncoderWeights* w,
                     Block* b) const;
  Tensor Attention(const Tensor& normed, const Block& b, int64_t heads) const;

  DinatSpec s_;
  Device device_;
  Conv stem_[2];
  NormWeights stem_norm_, norm_;
  std::vector<Level> levels_;
  Linear head_;
  mutable PlanCache<std::array<int64_t, 3>, Plan> plans_;  // by height, width, dilation
};

Dinat::Dinat(const DinatSpec& spec, EncoderWeights* w) : s_(spec), device_(w->device()) {
  ConvSteps half{3, 2, 1};
  Names names = NamesOf(*w);
  std::string proj = names.patch + (names.hub ? "patch_embeddings.projection." : "proj.");
  stem_[0] = w->Convolution(proj + "0", s_.dim / 2, 3, half, true);
  stem_[1] = w->Convolution(proj + "1", s_.dim, s_.dim / 2, half, true);
  stem_norm_ = w->Norm(names.patch + "norm", s_.dim, s_.eps);
  for (int64_t l = 0; l < 4; ++l) {
    Level level;
    int64_t c = s_.dim << l;
    level.heads = s_.heads[static_cast<size_t>(l)];
    for (int64_t b = 0; b < s_.depths[static_cast<size_t>(l)] && w->status().ok(); ++b) {
      level.blocks.push_back(ReadBlock(names, l, b, w));
    }
    if (l < 3) {
      std::string down = names.Level(l) + "downsample.";
      level.down = w->Convolution(down + "reduction", 2 * c, c, half, false);
      level.down_norm = w->Norm(down + "norm", 2 * c, s_.eps);
    }
    levels_.push_back(std::move(level));
  }
  norm_ = w->Norm(names.norm, s_.dim << 3, s_.eps);
  if (s_.classes > 0) head_ = w->Dense(names.head, s_.classes, s_.dim << 3);
}

Block Dinat::ReadBlock(const Names& names, int64_t level, int64_t index, EncoderWeights* w) const {
  int64_t c = s_.dim << level, ffn = static_cast<int64_t>(static_cast<double>(c) * s_.mlp_ratio);
  std::string name = names.Block(level, index);
  Block b;
  b.dilation = s_.dilations[static_cast<size_t>(level)][static_cast<size_t>(index)];
  b.norm1 = w->Norm(name + (names.hub ? "layernorm_before" : "norm1"), c, s_.eps);
  b.norm2 = w->Norm(name + (names.hub ? "layernorm_after" : "norm2"), c, s_.eps);
  ReadAttention(names, name, c, w, &b);
  int64_t span = 2 * s_.kernel - 1, heads = s_.heads[static_cast<size_t>(level)];
  b.bias = w->Read(name + (names.hub ? "attention.self.rpb" : "attn.rpb"), {heads, span, span});
  b.mlp = {w->Dense(name + (names.hub ? "intermediate.dense" : "mlp.fc1"), ffn, c),
           w->Dense(name + (names.hub ? "output.dense" : "mlp.fc2"), c, ffn)};
  if (s_.layer_scale && names.hub) {
    Tensor both = w->Read(name + "layer_scale_parameters", {2, c});
    if (w->usable()) {
      b.gain1 = Reshaped(Rows(both, 0, 1), {c});
      b.gain2 = Reshaped(Rows(both, 1, 1), {c});
    }
  } else if (s_.layer_scale) {
    b.gain1 = w->Read(name + "gamma1", {c});
    b.gain2 = w->Read(name + "gamma2", {c});
  }
  if (w->usable()) b.bias = Reshaped(std::move(b.bias), {heads, span * span});
  return b;
}

void Dinat::ReadAttention(const Names& names, const std::string& name, int64_t c, EncoderWeights* w,
                          Block* b) const {
  if (!names.hub) {
    b->qkv = w->Dense(name + "attn.qkv", 3 * c, c, s_.qkv_bias);
    b->proj = w->Dense(name + "attn.proj", c, c);
    return;
  }
  std::string self = name + "attention.self.";
  Linear q = w->Dense(self + "query", c, c, s_.qkv_bias);
  Linear k = w->Dense(self + "key", c, c, s_.qkv_bias);
  Linear v = w->Dense(self + "value", c, c, s_.qkv_bias);
  if (w->usable()) b->qkv = Stacked(Stacked(q, k), v);
  b->proj = w->Dense(name + "attention.output.dense", c, c);
}

// A map smaller than kernel * dilation is padded after the norm, so pads carry the biases of qkv,
// and they are attended like others.
Tensor Dinat::Attention(const Tensor& normed, const Block& b, int64_t heads) const {
  int64_t least = s_.kernel * b.dilation;
  int64_t h = std::max(normed.shape[0], least), w = std::max(normed.shape[1], least);
  auto plan = plans_.Get({h, w, b.dilation}, [&] {
    auto ih = static_cast<int32_t>(h), iw = static_cast<int32_t>(w);
    auto k = static_cast<int32_t>(s_.kernel), d = static_cast<int32_t>(b.dilation);
    return Plan{NeighbourhoodList(ih, iw, k, d), NeighbourhoodPlaces(ih, iw, k, d)};
  });
  double width = static_cast<double>(normed.cols()) / static_cast<double>(heads);
  auto scale = static_cast<float>(s_.scale > 0 ? s_.scale : 1 / std::sqrt(width));
  Tensor qkv = Apply(PadMap(normed, h, w), b.qkv);
  Tensor o = AttendPacked(qkv, heads, scale, plan->lists, {&b.bias, &plan->places});
  return Apply(CropMap(o, normed.shape[0], normed.shape[1]), b.proj);
}

StatusOr<EncodedImage> Dinat::Encode(const Tensor& pixels) const {
  SL_RETURN_IF_ERROR(CheckPixels(pixels, 32, 4096));
  EncodedImage out;
  Tensor x = Conv2d(Conv2d(PlanesToMap(pixels.To(device_)), stem_[0]), stem_[1]);
  x = Normalise(x, stem_norm_);
  for (size_t l = 0; l < levels_.size(); ++l) {
    const Level& level = levels_[l];
    for (const Block& b : level.blocks) {
      Add(&x, Attention(Normalise(x, b.norm1), b, level.heads), b.gain1);
      Add(&x, b.mlp(Normalise(x, b.norm2)), b.gain2);
    }
    if (l + 1 < levels_.size()) x = Normalise(Conv2d(x, level.down), level.down_norm);
    out.maps.push_back({"level" + std::to_string(l), x});
  }
  x = Normalise(x, norm_);
  out.features = Reshaped(x, {x.rows(), x.cols()});
  out.pooled = MeanRows(out.features);
  out.logits = ApplyHead(out.pooled, head_);
  return out;
}

}  // namespace

StatusOr<std::unique_ptr<ImageEncoder>> LoadDinat(const DinatSpec& spec,
                                                  const WeightSource& source) {
  EncoderWeights w(source);
  auto encoder = std::make_unique<Dinat>(spec, &w);
  SL_RETURN_IF_ERROR(w.status());
  EncoderInfo* info = encoder->mutable_info();
  info->architecture = "dinat";
  info->channels = spec.dim << 3;
  info->classes = spec.classes;
  info->channels_last_maps = true;
  return encoder;
}

}  // namespace sightline::vision
