#include "vision/encoders/fastervit.h"

#include <cmath>

#include "compute/attention/attend_packed.h"
#include "vision/encoders/position_tables.h"
#include "vision/select/carrier_selectors.h"

namespace sightline::vision {
namespace {

constexpr float kStemEps = 1e-4f, kMapEps = 1e-6f;

struct ConvBlock {
  Conv conv1, conv2;
  Tensor gain;
};

// One attention with its norms, table of biases and MLP.
struct Mixer {
  NormWeights norm1, norm2;
  Linear qkv, proj;
  Tensor bias;  // [H, (2s - 1)^2]
  MlpLayers mlp;
  Tensor gain1, gain2;
};

struct WindowBlock {
  Tensor embedding;  // [side * side, C], added to the map
  Mixer mixer;
  Tensor carrier_embedding;  // [carrier rows, C]
  Mixer carrier_mixer;
};

struct Level {
  std::vector<ConvBlock> convs;
  std::vector<WindowBlock> blocks;
  CarrierGrid grid;
  BlockList lists, carrier_lists;
  BiasPlaces places, carrier_places;
  std::vector<int32_t> nearest;  // carrier of each pixel
  Conv tokenizer;
  PoolSteps pool;
  int64_t heads = 1;
  NormWeights down_norm;
  Conv down;
};

class FasterVit : public ImageEncoder {
 public:
  FasterVit(const FasterVitSpec& spec, EncoderWeights* w);
  StatusOr<EncodedImage> Encode(const Tensor& pixels) const override;

 private:
  void ReadConvs(const std::string& name, size_t level, EncoderWeights* w, Level* out) const;
  void ReadWindows(const std::string& name, size_t level, EncoderWeights* w, Level* out) const;
  Mixer ReadMixer(const std::string& name, const std::string& hat, size_t level, int64_t side,
                  EncoderWeights* w) const;
  void Plan(size_t level, Level* out) const;
  void Mix(const Mixer& m, const Level& level, const BlockList& lists, const BiasPlaces& places,
           Tensor* x) const;
  void RunWindows(const Level& level, Tensor* x) const;

  FasterVitSpec s_;
  Device device_;
  Conv stem_[2];
  std::vector<Level> levels_;
  ChannelAffine norm_;
  NormWeights layer_norm_;
  Linear head_;
};

FasterVit::FasterVit(const FasterVitSpec& spec, EncoderWeights* w)
    : s_(spec), device_(w->device()) {
  ConvSteps half{3, 2, 1};
  std::string stem = "patch_embed.conv_down.";
  stem_[0] = w->Convolution(stem + "0", s_.stem, 3, half, false, {stem + "1", kStemEps});
  stem_[1] = w->Convolution(stem + "3", s_.dim, s_.stem, half, false, {stem + "4", kStemEps});
  for (size_t i = 0; i < 4; ++i) {
    Level level;
    std::string name = "levels." + std::to_string(i) + ".";
    int64_t c = s_.dim << i;
    if (i < 2) {
      ReadConvs(name, i, w, &level);
    } else {
      ReadWindows(name, i, w, &level);
    }
    if (i < 3) {
      level.down_norm = w->Norm(name + "downsample.norm", c, kMapEps);
      level.down = w->Convolution(name + "downsample.reduction.0", 2 * c, c, half, false);
    }
    levels_.push_back(std::move(level));
  }
  if (s_.last_layer_norm) {
    layer_norm_ = w->Norm("norm", s_.dim << 3, kMapEps);
  } else {
    norm_ = w->Batch({"norm"}, s_.dim << 3);
  }
  if (s_.classes > 0) head_ = w->Dense("head", s_.classes, s_.dim << 3);
}

void FasterVit::ReadConvs(const std::string& name, size_t i, EncoderWeights* w, Level* out) const {
  int64_t c = s_.dim << i;
  for (int64_t b = 0; b < s_.depths[i] && w->status().ok(); ++b) {
    std::string block = name + "blocks." + std::to_string(b) + ".";
    ConvBlock conv;
    conv.conv1 = w->Convolution(block + "conv1", c, c, {3, 1, 1}, true, {block + "norm1"});
    conv.conv2 = w->Convolution(block + "conv2", c, c, {3, 1, 1}, true, {block + "norm2"});
    if (s_.conv_layer_scale) conv.gain = w->Read(block + "gamma", {c});
    out->convs.push_back(std::move(conv));
  }
}

// Where the rows of a level stand and what they read; nothing of it depends on the picture.
void FasterVit::Plan(size_t i, Level* out) const {
  CarrierGrid& g = out->grid;
  g.side = static_cast<int32_t>(s_.map_side(i));
  g.window = static_cast<int32_t>(s_.windows[i]);
  if (s_.hierarchical[i] && g.windows() > 1) g.carriers = static_cast<int32_t>(s_.carriers);
  out->heads = s_.heads[i];
  out->lists = CarrierWindowList(g);
  out->places = CarrierWindowPlaces(g);
  if (!g.carriers) return;
  int32_t rows = g.carrier_rows(), side = g.carrier_side();
  out->carrier_lists = DenseList(rows, rows);
  out->carrier_places = CarrierWindowPlaces({side, side, 0});
  out->nearest = NearestCarriers(g);
  int64_t step = g.side / side, reach = g.side - (side - 1) * step;  // windows that overlap
  out->pool = {reach, reach, step, step};
}

void FasterVit::ReadWindows(const std::string& name, size_t i, EncoderWeights* w,
                            Level* out) const {
  int64_t c = s_.dim << i;
  Plan(i, out);
  const CarrierGrid& g = out->grid;
  for (int64_t b = 0; b < s_.depths[i] && w->status().ok(); ++b) {
    std::string block = name + "blocks." + std::to_string(b) + ".";
    WindowBlock wb;
    Tensor cells = ReadEmbedding(block + "pos_embed.cpb_mlp.", g.window, c, w);
    wb.mixer = ReadMixer(block, "", i, g.window, w);
    if (g.carriers) {
      wb.carrier_embedding =
          ReadEmbedding(block + "hat_pos_embed.cpb_mlp.", g.carrier_side(), c, w);
      wb.carrier_mixer = ReadMixer(block, "hat_", i, g.carrier_side(), w);
    }
    if (w->usable()) wb.embedding = GatherRows(cells, WindowCells(g));
    out->blocks.push_back(std::move(wb));
  }
  if (g.carriers && !out->blocks.empty()) {
    out->tokenizer = w->Depthwise(name + "global_tokenizer.pos_embed", c, {3, 1, 1}, true);
  }
}

Mixer FasterVit::ReadMixer(const std::string& name, const std::string& hat, size_t i, int64_t side,
                           EncoderWeights* w) const {
  int64_t c = s_.dim << i, ffn = static_cast<int64_t>(static_cast<double>(c) * s_.mlp_ratio);
  std::string attn = name + hat + "attn.", mlp = name + hat + "mlp.";
  Mixer m;
  m.norm1 = w->Norm(name + hat + "norm1", c, 1e-5f);
  m.norm2 = w->Norm(name + hat + "norm2", c, 1e-5f);
  m.qkv = w->Dense(attn + "qkv", 3 * c, c, s_.qkv_bias);
  m.proj = w->Dense(attn + "proj", c, c);
  m.bias = ReadBiasTable(attn + "pos_emb_funct.cpb_mlp.", side, s_.heads[i], w);
  m.mlp = {w->Dense(mlp + "fc1", ffn, c), w->Dense(mlp + "fc2", c, ffn)};
  if (s_.layer_scale) {
    m.gain1 = w->Read(name + (hat.empty() ? "gamma3" : "gamma1"), {c});
    m.gain2 = w->Read(name + (hat.empty() ? "gamma4" : "gamma2"), {c});
  }
  return m;
}

void FasterVit::Mix(const Mixer& m, const Level& level, const BlockList& lists,
                    const BiasPlaces& places, Tensor* x) const {
  double width = static_cast<double>(x->cols()) / static_cast<double>(level.heads);
  auto scale = static_cast<float>(s_.scale > 0 ? s_.scale : 1 / std::sqrt(width));
  Tensor qkv = Apply(Normalise(*x, m.norm1), m.qkv);
  Tensor o = AttendPacked(qkv, level.heads, scale, lists, {&m.bias, &places});
  Add(x, Apply(o, m.proj), m.gain1);
  Add(x, m.mlp(Normalise(*x, m.norm2)), m.gain2);
}

void FasterVit::RunWindows(const Level& level, Tensor* map) const {
  int64_t c = map->cols(), pixels = map->rows(), carriers = level.grid.carrier_rows();
  Tensor x = Reshaped(*map, {pixels, c}), ct;
  if (carriers && !level.blocks.empty()) {
    ct = Reshaped(AveragePool(Conv2d(*map, level.tokenizer), level.pool), {carriers, c});
  }
  for (const WindowBlock& b : level.blocks) {
    Add(&x, b.embedding);
    if (carriers) {
      Add(&ct, b.carrier_embedding);
      Mix(b.carrier_mixer, level, level.carrier_lists, level.carrier_places, &ct);
      x = JoinRows(ct, x);
    }
    Mix(b.mixer, level, level.lists, level.places, &x);
    if (carriers) {
      ct = Rows(x, 0, carriers);
      x = Rows(x, carriers, pixels);
    }
  }
  if (s_.propagate && carriers && !level.blocks.empty()) {
    Add(&x, GatherRows(ct, level.nearest), level.blocks.back().carrier_mixer.gain1);
  }
  *map = Reshaped(std::move(x), map->shape);
}

StatusOr<EncodedImage> FasterVit::Encode(const Tensor& pixels) const {
  SL_RETURN_IF_ERROR(CheckPixels(pixels, s_.resolution, s_.resolution));
  EncodedImage out;
  Tensor x = PlanesToMap(pixels.To(device_));
  for (const Conv& stem : stem_) {
    x = Conv2d(x, stem);
    Relu(&x);
  }
  for (size_t i = 0; i < levels_.size(); ++i) {
    const Level& level = levels_[i];
    for (const ConvBlock& b : level.convs) {
      Tensor y = Conv2d(x, b.conv1);
      Gelu(&y);
      Add(&x, Conv2d(y, b.conv2), b.gain);
    }
    if (i >= 2) RunWindows(level, &x);
    if (i < 3) x = Conv2d(Normalise(x, level.down_norm), level.down);
    out.maps.push_back({"level" + std::to_string(i), x});
  }
  x = s_.last_layer_norm ? Normalise(x, layer_norm_) : ApplyAffine(x, norm_);
  out.features = Reshaped(x, {x.rows(), x.cols()});
  out.pooled = MeanRows(out.features);
  out.logits = ApplyHead(out.pooled, head_);
  return out;
}

}  // namespace

StatusOr<std::unique_ptr<ImageEncoder>> LoadFasterVit(const FasterVitSpec& spec,
                                                      const WeightSource& source) {
  EncoderWeights w(source);
  auto encoder = std::make_unique<FasterVit>(spec, &w);
  SL_RETURN_IF_ERROR(w.status());
  EncoderInfo* info = encoder->mutable_info();
  info->architecture = "fastervit";
  info->channels = spec.dim << 3;
  info->classes = spec.classes;
  return encoder;
}

}  // namespace sightline::vision
