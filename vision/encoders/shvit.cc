#include "vision/encoders/shvit.h"

#include <algorithm>
#include <cmath>

#include "compute/attention/attend_packed.h"

namespace sightline::vision {
namespace {

// Residual depthwise convolution and two-layer network, with or without attention between.
struct Block {
  Conv local;
  bool attends = false;
  NormWeights norm;  // over the attended channels together
  Linear qkv;        // three parts of one width, padded with zeros
  int64_t width = 0;
  Linear proj, pw1, pw2;
};

// Between groups: halves the map and widens it.
struct Merging {
  Block before, after;
  Linear conv1, conv3, squeeze, excite;
  Conv conv2;
};

class Shvit : public ImageEncoder {
 public:
  Shvit(const ShvitSpec& spec, EncoderWeights* w);
  StatusOr<EncodedImage> Encode(const Tensor& pixels) const override;

 private:
  // `conv` and `ffn` name the residual branches.
  Block ReadBlock(const std::string& conv, const std::string& ffn, int64_t c,
                  EncoderWeights* w) const;
  void ReadMixer(const std::string& name, size_t group, EncoderWeights* w, Block* b) const;
  Merging ReadMerging(const std::string& name, int64_t in, int64_t out, EncoderWeights* w) const;
  Linear ReadPointwise(const std::string& name, int64_t out, int64_t in, EncoderWeights* w) const {
    return w->Dense(name + ".c", out, in, false, {name + ".bn"});
  }
  void Run(const Block& b, size_t group, Tensor* x) const;
  Tensor Attention(const Block& b, size_t group, const Tensor& x) const;
  Tensor Merge(const Merging& m, Tensor x) const;

  ShvitSpec s_;
  Device device_;
  Conv stem_[4];
  std::vector<Merging> mergings_;
  std::vector<Block> groups_[3];
  struct Head {
    ChannelAffine norm;
    Linear linear;
  };
  std::vector<Head> heads_;
};

Shvit::Shvit(const ShvitSpec& spec, EncoderWeights* w) : s_(spec), device_(w->device()) {
  int64_t in = 3;
  for (int64_t i = 0; i < 4; ++i) {
    int64_t out = s_.dims[0] >> (3 - i);
    std::string name = "patch_embed." + std::to_string(2 * i) + ".";
    stem_[i] = w->Convolution(name + "c", out, in, {3, 2, 1}, false, {name + "bn"});
    in = out;
  }
  for (size_t g = 0; g < 3; ++g) {
    std::string group = "blocks" + std::to_string(g + 1) + ".";
    if (g > 0) mergings_.push_back(ReadMerging(group, s_.dims[g - 1], s_.dims[g], w));
    for (int64_t i = 0; i < s_.depths[g] && w->status().ok(); ++i) {
      std::string name = group + std::to_string(i + (g > 0 ? 3 : 0)) + ".";
      Block b = ReadBlock(name + "conv.m", name + "ffn.m", s_.dims[g], w);
      if (s_.attends[g]) ReadMixer(name + "mixer.m.", g, w, &b);
      groups_[g].push_back(std::move(b));
    }
  }
  for (const char* name : {"head", "head_dist"}) {
    if (s_.classes == 0 || (name[4] && !s_.distilled)) continue;
    heads_.push_back({w->Batch({std::string(name) + ".bn"}, s_.dims[2]),
                      w->Dense(std::string(name) + ".l", s_.classes, s_.dims[2])});
  }
}

Block Shvit::ReadBlock(const std::string& conv, const std::string& ffn, int64_t c,
                       EncoderWeights* w) const {
  Block b;
  b.local = w->Depthwise(conv + ".c", c, {3, 1, 1}, false, {conv + ".bn"});
  b.pw1 = ReadPointwise(ffn + ".pw1", 2 * c, c, w);
  b.pw2 = ReadPointwise(ffn + ".pw2", c, 2 * c, w);
  return b;
}

void Shvit::ReadMixer(const std::string& name, size_t g, EncoderWeights* w, Block* b) const {
  int64_t p = s_.attended[g], k = s_.key_width[g];
  b->attends = true;
  b->norm = w->Norm(name + "pre_norm", p, 1e-5f);
  b->width = std::max(p, k);
  Linear qkv = ReadPointwise(name + "qkv", 2 * k + p, p, w);
  if (w->usable()) b->qkv = PadParts(qkv, {k, k, p}, b->width);
  b->proj = ReadPointwise(name + "proj.1", s_.dims[g], s_.dims[g], w);
}

Merging Shvit::ReadMerging(const std::string& name, int64_t in, int64_t out,
                           EncoderWeights* w) const {
  Merging m;
  int64_t wide = 4 * in, squeezed = std::max<int64_t>(8, (in + 4) / 8 * 8);
  m.before = ReadBlock(name + "0.0.m", name + "0.1.m", in, w);
  m.conv1 = ReadPointwise(name + "1.conv1", wide, in, w);
  m.conv2 = w->Depthwise(name + "1.conv2.c", wide, {3, 2, 1}, false, {name + "1.conv2.bn"});
  m.squeeze = w->Dense(name + "1.se.fc1", squeezed, wide);
  m.excite = w->Dense(name + "1.se.fc2", wide, squeezed);
  m.conv3 = ReadPointwise(name + "1.conv3", out, wide, w);
  m.after = ReadBlock(name + "2.0.m", name + "2.1.m", out, w);
  return m;
}

// Keys and queries are narrower than values: zeros fill them up, which changes no product.
Tensor Shvit::Attention(const Block& b, size_t g, const Tensor& x) const {
  int64_t p = s_.attended[g];
  auto rows = static_cast<int32_t>(x.rows());
  float scale = 1 / std::sqrt(static_cast<float>(s_.key_width[g]));
  Tensor qkv = Apply(NormaliseTogether(Columns(x, 0, p), b.norm), b.qkv);
  Tensor o = Columns(AttendPacked(qkv, 1, scale, DenseList(rows, rows)), 0, p);
  if (p < x.cols()) o = JoinColumns(o, Columns(x, p, x.cols() - p));
  Relu(&o);
  return Apply(o, b.proj);
}

void Shvit::Run(const Block& b, size_t g, Tensor* x) const {
  Add(x, Conv2d(*x, b.local));
  if (b.attends) Add(x, Attention(b, g, *x));
  Tensor h = Apply(*x, b.pw1);
  Relu(&h);
  Add(x, Apply(h, b.pw2));
}

Tensor Shvit::Merge(const Merging& m, Tensor x) const {
  Run(m.before, 0, &x);
  Tensor y = Apply(x, m.conv1);
  Relu(&y);
  y = Conv2d(y, m.conv2);
  Relu(&y);
  Tensor gate = Apply(MeanRows(y), m.squeeze);
  Relu(&gate);
  gate = Apply(gate, m.excite);
  Sigmoid(&gate);
  ScaleColumns(&y, gate);
  y = Apply(y, m.conv3);
  Run(m.after, 0, &y);
  return y;
}

StatusOr<EncodedImage> Shvit::Encode(const Tensor& pixels) const {
  SL_RETURN_IF_ERROR(CheckPixels(pixels, 32, 4096));
  EncodedImage out;
  Tensor x = PlanesToMap(pixels.To(device_));
  for (size_t i = 0; i < 4; ++i) {
    if (i) Relu(&x);
    x = Conv2d(x, stem_[i]);
  }
  for (size_t g = 0; g < 3; ++g) {
    if (g) x = Merge(mergings_[g - 1], std::move(x));
    for (const Block& b : groups_[g]) Run(b, g, &x);
    out.maps.push_back({"blocks" + std::to_string(g + 1), x});
  }
  out.features = Reshaped(x, {x.rows(), x.cols()});
  out.pooled = MeanRows(out.features);
  for (const Head& head : heads_) {
    Tensor logits = ApplyHead(ApplyAffine(out.pooled, head.norm), head.linear);
    Scale(&logits, 1 / static_cast<float>(heads_.size()));
    if (out.logits.shape.empty()) {
      out.logits = std::move(logits);
    } else {
      Add(&out.logits, logits);
    }
  }
  return out;
}

}  // namespace

StatusOr<std::unique_ptr<ImageEncoder>> LoadShvit(const ShvitSpec& spec,
                                                  const WeightSource& source) {
  EncoderWeights w(source);
  auto encoder = std::make_unique<Shvit>(spec, &w);
  SL_RETURN_IF_ERROR(w.status());
  EncoderInfo* info = encoder->mutable_info();
  info->architecture = "shvit";
  info->channels = spec.dims[2];
  info->classes = spec.classes;
  return encoder;
}

}  // namespace sightline::vision
