#include "vision/encoders/biformer.h"

#include <cmath>

#include "compute/attention/attend_packed.h"
#include "vision/select/grid_selectors.h"

namespace sightline::vision {
namespace {

constexpr float kNormEps = 1e-6f;
constexpr int64_t kWholeMapHeads = 8;  // of every size

struct Block {
  Conv position, local;
  NormWeights norm1, norm2;
  Linear qkv, out;
  MlpLayers mlp;
  Tensor gain1, gain2;
};

struct Stage {
  Conv stem, down;  // stem: of the first stage alone
  std::vector<Block> blocks;
};

int64_t RoundUp(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

class BiFormer : public ImageEncoder {
 public:
  BiFormer(const BiFormerSpec& spec, EncoderWeights* w);
  StatusOr<EncodedImage> Encode(const Tensor& pixels) const override;

 private:
  Block ReadBlock(size_t stage, const std::string& name, EncoderWeights* w) const;
  // A normed map [H, W, C] -> the same size.
  Tensor Routed(const Tensor& x, const Block& b, size_t stage) const;
  Tensor Whole(const Tensor& x, const Block& b, size_t stage) const;

  BiFormerSpec s_;
  Device device_;
  std::vector<Stage> stages_;
  ChannelAffine norm_;
  Linear head_;
};

BiFormer::BiFormer(const BiFormerSpec& spec, EncoderWeights* w) : s_(spec), device_(w->device()) {
  ConvSteps half{3, 2, 1};
  for (size_t i = 0; i < 4; ++i) {
    Stage stage;
    std::string down = "downsample_layers." + std::to_string(i) + ".";
    if (i == 0) {
      stage.stem = w->Convolution(down + "0", s_.dims[0] / 2, 3, half, true, {down + "1"});
      stage.down = w->Convolution(down + "3", s_.dims[0], s_.dims[0] / 2, half, true, {down + "4"});
    } else {
      stage.down = w->Convolution(down + "0", s_.dims[i], s_.dims[i - 1], half, true, {down + "1"});
    }
    for (int64_t b = 0; b < s_.depths[i] && w->status().ok(); ++b) {
      stage.blocks.push_back(
          ReadBlock(i, "stages." + std::to_string(i) + "." + std::to_string(b) + ".", w));
    }
    stages_.push_back(std::move(stage));
  }
  norm_ = w->Batch({"norm"}, s_.dims[3]);
  if (s_.classes > 0) head_ = w->Dense("head", s_.classes, s_.dims[3]);
}

Block BiFormer::ReadBlock(size_t i, const std::string& name, EncoderWeights* w) const {
  int64_t c = s_.dims[i], k = s_.local_kernel;
  bool routed = s_.top_regions[i] > 0;
  Block b;
  if (s_.position_kernel) {
    b.position = w->Depthwise(name + "pos_embed", c, {s_.position_kernel, 1, 1}, true);
  }
  b.norm1 = w->Norm(name + "norm1", c, kNormEps);
  b.norm2 = w->Norm(name + "norm2", c, kNormEps);
  b.qkv = w->Dense(name + (routed ? "attn.qkv.qkv" : "attn.qkv"), 3 * c, c, routed);
  b.out = w->Dense(name + (routed ? "attn.wo" : "attn.proj"), c, c);
  if (k && s_.top_regions[i] != -1) {
    b.local = w->Depthwise(name + "attn.lepe", c, {k, 1, k / 2}, true);
  }
  b.mlp = {w->Dense(name + "mlp.0", s_.ffn[i], c), w->Dense(name + "mlp.3", c, s_.ffn[i])};
  if (s_.layer_scale) {
    b.gain1 = w->Read(name + "gamma1", {c});
    b.gain2 = w->Read(name + "gamma2", {c});
  }
  return b;
}

// Pads are rows like others: they carry the biases of qkv, count in the means and are attended.
Tensor BiFormer::Routed(const Tensor& normed, const Block& b, size_t stage) const {
  int64_t c = s_.dims[stage], n = s_.regions;
  int64_t h = RoundUp(normed.shape[0], n), w = RoundUp(normed.shape[1], n);
  Tensor qkv = Apply(PadMap(normed, h, w), b.qkv);
  Tensor means = Reshaped(AveragePool(qkv, {h / n, w / n, h / n, w / n}), {n * n, 3 * c});
  Tensor affinity = Product(Columns(means, 0, c), Columns(means, c, c));
  auto routes = BestRoutes(HostValues(affinity), static_cast<int32_t>(s_.top_regions[stage]));
  BlockList lists =
      RegionList(static_cast<int32_t>(h), static_cast<int32_t>(w), s_.regions, routes);
  // The scale is of all channels, not of a head's.
  float scale = 1 / std::sqrt(static_cast<float>(c));
  Tensor o = AttendPacked(qkv, c / s_.head_width, scale, lists);
  if (s_.local_kernel) Add(&o, Conv2d(Columns(qkv, 2 * c, c), b.local));
  return CropMap(Apply(o, b.out), normed.shape[0], normed.shape[1]);
}

Tensor BiFormer::Whole(const Tensor& normed, const Block& b, size_t stage) const {
  int64_t c = s_.dims[stage];
  auto rows = static_cast<int32_t>(normed.rows());
  int64_t d = c / kWholeMapHeads;
  float scale = 1 / std::sqrt(static_cast<float>(d));
  Tensor o = AttendPacked(Apply(normed, b.qkv), kWholeMapHeads, scale, DenseList(rows, rows));
  if (s_.local_kernel && s_.top_regions[stage] != -1) Add(&o, Conv2d(normed, b.local));
  return Apply(o, b.out);
}

StatusOr<EncodedImage> BiFormer::Encode(const Tensor& pixels) const {
  SL_RETURN_IF_ERROR(CheckPixels(pixels, 32, 4096));
  EncodedImage out;
  Tensor x = PlanesToMap(pixels.To(device_));
  for (size_t i = 0; i < 4; ++i) {
    if (i == 0) {
      x = Conv2d(x, stages_[i].stem);
      Gelu(&x);
    }
    x = Conv2d(x, stages_[i].down);
    if (!s_.pad_maps && s_.top_regions[i] > 0 &&
        (x.shape[0] % s_.regions || x.shape[1] % s_.regions)) {
      return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MEDIA_DOES_NOT_FIT_MODEL",
                             "the encoder's maps must be multiples of " +
                                 std::to_string(s_.regions) + "; auto_pad is off in its config");
    }
    for (const Block& b : stages_[i].blocks) {
      if (s_.position_kernel) Add(&x, Conv2d(x, b.position));
      Tensor normed = Normalise(x, b.norm1);
      Add(&x, s_.top_regions[i] > 0 ? Routed(normed, b, i) : Whole(normed, b, i), b.gain1);
      Add(&x, b.mlp(Normalise(x, b.norm2)), b.gain2);
    }
    out.maps.push_back({"stage" + std::to_string(i), x});
  }
  x = ApplyAffine(x, norm_);
  out.features = Reshaped(x, {x.rows(), x.cols()});
  out.pooled = MeanRows(out.features);
  out.logits = ApplyHead(out.pooled, head_);
  return out;
}

}  // namespace

StatusOr<std::unique_ptr<ImageEncoder>> LoadBiFormer(const BiFormerSpec& spec,
                                                     const WeightSource& source) {
  EncoderWeights w(source);
  auto encoder = std::make_unique<BiFormer>(spec, &w);
  SL_RETURN_IF_ERROR(w.status());
  EncoderInfo* info = encoder->mutable_info();
  info->architecture = "biformer";
  info->channels = spec.dims[3];
  info->classes = spec.classes;
  return encoder;
}

}  // namespace sightline::vision
