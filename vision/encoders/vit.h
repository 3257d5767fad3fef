// The plain pre-norm vision transformer: CLIP (arXiv 2103.00020) with a class row and a norm before
// the first layer, SigLIP (arXiv 2303.15343) with neither. Attention is whole-frame, through the
// one kernel.
#pragma once

#include <memory>
#include <vector>

#include "vision/encoders/transformer_parts.h"

namespace sightline::vision {

struct VitSpec {
  int64_t hidden = 0, ffn = 0, layers = 0, heads = 0, patch = 0,
          image = 0;  // patch and image in px
  bool class_row = false, patch_bias = true, pre_norm = false;
  bool post_norm = false;  // after the last layer that runs
  int64_t run_layers = 0;  // the features are those after this many layers
  VisionActivation activation = VisionActivation::kGelu;
  float eps = 1e-6f;

  int64_t grid() const { return image / patch; }  // a border that fills no patch is not seen
};

class VitEncoder {
 public:
  // `weights`: the form of the linear layers on the host.
  static StatusOr<std::unique_ptr<VitEncoder>> Load(const VitSpec& spec, const TensorReader& read,
                                                    const Device& device = {},
                                                    WeightChoice weights = WeightChoice::kF32);
  ~VitEncoder();
  // pixels [N, 3, image, image], normalised, on the host -> features on the device [N * R, C], R =
  // grid * grid rows a picture (raster order) and before them the class row where there is one.
  // Const and thread-safe.
  Tensor Encode(const Tensor& pixels) const;
  int64_t rows_per_image() const { return spec_.grid() * spec_.grid() + (spec_.class_row ? 1 : 0); }
  const VitSpec& spec() const { return spec_; }

 private:
  struct Weights;
  VitEncoder();
  Tensor Embed(const Tensor& pixels) const;
  VitSpec spec_;
  Device device_;
  std::unique_ptr<Weights> w_;
};

}  // namespace sightline::vision
