// The `scenes` encoder: dilated neighbourhood -> bi-level routing -> windows with carrier tokens.
// Sources: DiNAT (specs/vision.md 1.2), BiFormer (1.1), FasterViT (1.3); defined by
// training/model.py.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compute/ops/ops.h"
#include "compute/weights/safetensors.h"

namespace sightline::vision {

struct ScenesVisionSpec {  // vision_config of config.json
  int64_t stem0 = 32, stem1 = 64;
  int64_t dim1 = 128, heads1 = 4, kernel = 5, dim2 = 256, heads2 = 8, n_win = 4, topk = 4;
  int64_t heads3 = 8, window = 4, carrier = 2, mlp_ratio = 3, carrier_mlp_ratio = 2,
          domain_hidden = 128;
  std::vector<int32_t> dilations = {1, 2, 3};
  int64_t depth2 = 3, depth3 = 3;
  float eps = 1e-6f;
};

struct EncodedMap {
  Tensor tokens;            // [H/16, W/16, C]
  double domain_logit = 0;  // > 0: the picture is not a scene
};

class ScenesEncoder {
 public:
  static StatusOr<std::unique_ptr<ScenesEncoder>> Load(const ScenesVisionSpec& spec,
                                                       const WeightFile& weights,
                                                       const std::string& prefix,
                                                       const Device& device = {});
  ~ScenesEncoder();
  // rgb [height, width, 3] 8-bit; sides are multiples of 64 and at least 16 * kernel * largest
  // dilation / 2. Const and thread-safe.
  StatusOr<EncodedMap> Encode(const uint8_t* rgb, int width, int height) const;
  const ScenesVisionSpec& spec() const { return spec_; }

 private:
  struct Weights;
  struct BilevelBlock;
  explicit ScenesEncoder(ScenesVisionSpec spec);
  void RunBilevel(const BilevelBlock& block, Tensor* x) const;
  void RunCarriers(Tensor* map) const;
  ScenesVisionSpec spec_;
  Device device_;
  std::unique_ptr<Weights> w_;
};

}  // namespace sightline::vision
