// What processor configs of all families share.
#pragma once

#include <algorithm>

#include "fusion/families/config_reader.h"
#include "fusion/families/family.h"
#include "vision/encoders/vit.h"
#include "vision/preprocess/resample.h"

namespace sightline {

struct ImageConfig {
  vision::Normalisation norm;
  vision::Filter filter = vision::Filter::kBicubic;
  double max_std() const { return std::max({norm.std[0], norm.std[1], norm.std[2]}); }
};

// The object that holds the image fields: "image_processor" of newer configs, or the whole of older
// ones.
const Json& ImageProcessorJson(const Json& processor);
ImageConfig ReadImageConfig(const ConfigReader& c);

// Sizes that a vision_config leaves out because they are its class's defaults; these are CLIP's.
struct VitDefaults {
  int64_t hidden = 768, ffn = 3072, layers = 12, heads = 12, patch = 32, image = 224;
};

// vision_config of CLIP and SigLIP towers; `classes`: CLIP's class row, first norm and missing
// patch bias.
vision::VitSpec ReadVit(const ConfigReader& c, bool clip, const VitDefaults& defaults = {});
// Layers to run for vision_feature_layer (-1 the last, -2 the one before).
int64_t FeatureLayers(const ConfigReader& c, int64_t layers, int64_t fallback);

// A reader of one mapped part, for loaders that know nothing of checkpoints. `weights` outlives it.
vision::TensorReader PartReader(Checkpoint* weights, const std::string& part);

// x -> fc1 -> GELU -> fc2.
struct TwoLayers {
  Linear fc1, fc2;
  Tensor operator()(const Tensor& x) const;
};
StatusOr<TwoLayers> ReadTwoLayers(Checkpoint* weights, const std::string& part, int64_t in,
                                  int64_t out, bool bias);

}  // namespace sightline
