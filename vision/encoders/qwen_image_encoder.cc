#include "vision/encoders/qwen_image_encoder.h"

#include <algorithm>

namespace sightline::vision {
namespace {

constexpr int64_t kMostSide = 1 << 14;

// pixels [3, H, W] -> [H / patch * W / patch, 3 * frames * patch * patch]: the picture repeated
// over the frames, patches in merge units.
Tensor Patches(const Tensor& pixels, const QwenTowerSpec& s) {
  int64_t h = pixels.shape[1], w = pixels.shape[2], units = w / s.patch / s.merge;
  Tensor out({h / s.patch * (w / s.patch), s.patch_floats()});
  for (int64_t r = 0; r < out.rows(); ++r) {
    int64_t inside = r % (s.merge * s.merge), unit = r / (s.merge * s.merge);
    int64_t y0 = (unit / units * s.merge + inside / s.merge) * s.patch;
    int64_t x0 = (unit % units * s.merge + inside % s.merge) * s.patch;
    float* to = out.row(r);
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t f = 0; f < s.frames; ++f) {
        for (int64_t y = 0; y < s.patch; ++y, to += s.patch)
          std::copy_n(&pixels.data[static_cast<size_t>((c * h + y0 + y) * w + x0)], s.patch, to);
      }
    }
  }
  return out;
}

class QwenImageEncoder : public ImageEncoder {
 public:
  explicit QwenImageEncoder(std::unique_ptr<QwenTower> tower) : tower_(std::move(tower)) {}

  StatusOr<EncodedImage> Encode(const Tensor& pixels) const override {
    const QwenTowerSpec& s = tower_->spec();
    int64_t unit = s.patch * s.merge;
    SL_RETURN_IF_ERROR(CheckPixels(pixels, unit, kMostSide));
    int64_t h = pixels.shape[1], w = pixels.shape[2];
    if (h % unit || w % unit)
      return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MEDIA_DOES_NOT_FIT_MODEL",
                             "the picture's sides must be multiples of " + std::to_string(unit));
    Grid grid = {1, static_cast<int32_t>(h / s.patch), static_cast<int32_t>(w / s.patch)};
    TowerFeatures got = tower_->Encode(Patches(pixels, s), grid);
    std::vector<int64_t> shape = {h / unit, w / unit, s.out};
    EncodedImage out;
    for (size_t i = 0; i < got.deepstack.size(); ++i)
      out.maps.push_back({"deepstack" + std::to_string(i), Reshaped(got.deepstack[i], shape)});
    out.maps.push_back({"tokens", Reshaped(got.rows, shape)});
    out.pooled = MeanRows(got.rows);
    out.features = std::move(got.rows);
    return out;
  }

 private:
  std::unique_ptr<QwenTower> tower_;
};

}  // namespace

StatusOr<std::unique_ptr<ImageEncoder>> LoadQwenImageEncoder(const QwenTowerSpec& spec,
                                                             const WeightSource& source) {
  SL_ASSIGN_OR_RETURN(auto tower, QwenTower::Load(spec, source.read, source.device));
  auto encoder = std::make_unique<QwenImageEncoder>(std::move(tower));
  EncoderInfo* info = encoder->mutable_info();
  info->architecture = spec.deepstack.empty() ? "qwen2_5_vl" : "qwen3_vl";
  info->channels = spec.out;
  info->channels_last_maps = true;
  return encoder;
}

}  // namespace sightline::vision
