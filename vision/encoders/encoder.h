// One picture to features, whatever the architecture: the published image encoders behind one
// interface.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compute/base/status.h"
#include "compute/base/tensor.h"
#include "vision/preprocess/pixel_rule.h"

namespace sightline::vision {

struct FeatureMap {
  std::string name;  // as the published code counts them: "stage0", "level2", "blocks3"
  Tensor map;        // [H, W, C]
};

struct EncodedImage {
  std::vector<FeatureMap> maps;  // of every stage, shallow to deep
  Tensor features;               // [N, C]: tokens of the last map in raster order, normed
  Tensor pooled;                 // [1, C]: one vector for the picture; what a class head reads
  Tensor logits;                 // [1, classes]; no shape without a head
};

struct EncoderInfo {
  std::string architecture;  // "biformer", "dinat", "fastervit", "shvit", "clip", "siglip", ...
  int64_t channels = 0;      // of features
  int64_t classes = 0;       // 0: no head
  bool channels_last_maps =
      false;  // how the published code lays maps out: [H, W, C], not [C, H, W]
  PixelRule pixels;
  std::vector<std::string> labels;  // of the classes; empty where the config names none
};

// Const after loading; thread-safe.
class ImageEncoder {
 public:
  virtual ~ImageEncoder() = default;
  // pixels [3, H, W], normalised. INVALID_ARGUMENT when the encoder does not take that size.
  virtual StatusOr<EncodedImage> Encode(const Tensor& pixels) const = 0;
  const EncoderInfo& info() const { return info_; }
  EncoderInfo* mutable_info() { return &info_; }  // before the first call

 private:
  EncoderInfo info_;
};

// INVALID_ARGUMENT unless pixels are [3, H, W] with sides in [low, high].
Status CheckPixels(const Tensor& pixels, int64_t low, int64_t high);

}  // namespace sightline::vision
