#include "fusion/families/image_config.h"

namespace sightline {

Status BadMedia(const std::string& what) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MEDIA_DOES_NOT_FIT_MODEL", what);
}

const Json& ImageProcessorJson(const Json& processor) {
  auto it = processor.find("image_processor");
  return it != processor.end() && it->is_object() ? *it : processor;
}

ImageConfig ReadImageConfig(const ConfigReader& c) {
  ImageConfig image;
  std::vector<double> mean = c.Reals("image_mean", 3), std = c.Reals("image_std", 3);
  for (size_t i = 0; i < 3; ++i) {
    if (mean.size() == 3) image.norm.mean[i] = static_cast<float>(mean[i]);
    if (std.size() == 3) image.norm.std[i] = static_cast<float>(std[i]);
    if (!(image.norm.std[i] > 1e-6f)) c.Fail("image_std", "must be positive");
  }
  switch (c.Int("resample", 0, 5, 3)) {  // Pillow's numbers
    case 1:
      image.filter = vision::Filter::kLanczos;
      break;
    case 2:
      image.filter = vision::Filter::kBilinear;
      break;
    case 3:
      break;
    default:
      c.Fail("resample", "must be 1 (Lanczos), 2 (bilinear) or 3 (bicubic)");
  }
  return image;
}

vision::VitSpec ReadVit(const ConfigReader& c, bool clip, const VitDefaults& d) {
  vision::VitSpec s;
  s.hidden = c.Int("hidden_size", 8, 1 << 14, d.hidden);
  s.ffn = c.Int("intermediate_size", 8, 1 << 17, d.ffn);
  s.layers = s.run_layers = c.Int("num_hidden_layers", 1, 256, d.layers);
  s.heads = c.Int("num_attention_heads", 1, 256, d.heads);
  s.patch = c.Int("patch_size", 1, 256, d.patch);
  s.image = c.Int("image_size", 1, 4096, d.image);
  if (s.hidden % s.heads) c.Fail("num_attention_heads", "must divide hidden_size");
  if (s.patch > s.image) {
    c.Fail("patch_size", "must not exceed image_size");
    s.image = s.patch;
  }
  s.class_row = s.pre_norm = clip;
  s.patch_bias = !clip;
  s.eps = static_cast<float>(c.Real("layer_norm_eps", 0, 1, clip ? 1e-5 : 1e-6));
  std::string act = c.Text("hidden_act", clip ? "quick_gelu" : "gelu_pytorch_tanh");
  s.activation = act == "quick_gelu" ? vision::VisionActivation::kQuickGelu
                 : act == "gelu"     ? vision::VisionActivation::kGelu
                                     : vision::VisionActivation::kGeluTanh;
  if (act != "quick_gelu" && act != "gelu" && act != "gelu_pytorch_tanh") {
    c.Fail("hidden_act", "is '" + act.substr(0, 40) + "', which is not known here");
  }
  return s;
}

int64_t FeatureLayers(const ConfigReader& c, int64_t layers, int64_t fallback) {
  int64_t at = c.Int("vision_feature_layer", -layers - 1, layers, fallback);
  return at < 0 ? layers + 1 + at : at;
}

vision::TensorReader PartReader(Checkpoint* weights, const std::string& part) {
  return [weights, part](const std::string& name, const std::vector<int64_t>& shape) {
    return weights->Read(part, name, shape);
  };
}

Tensor TwoLayers::operator()(const Tensor& x) const {
  Tensor h = Apply(x, fc1);
  Gelu(&h);
  return Apply(h, fc2);
}

StatusOr<TwoLayers> ReadTwoLayers(Checkpoint* weights, const std::string& part, int64_t in,
                                  int64_t out, bool bias) {
  vision::TensorReader read = PartReader(weights, part);
  vision::WeightList list(read, weights->device());
  TwoLayers t;
  t.fc1 = list.Dense("linear_1", out, in, bias);
  t.fc2 = list.Dense("linear_2", out, out, bias);
  SL_RETURN_IF_ERROR(list.status());
  return t;
}

}  // namespace sightline
