// One reader an architecture, each in a file of its own; listed in encoder_registry.cc.
#pragma once

#include "fusion/encoders/encoder_registry.h"

namespace sightline {

StatusOr<EncoderSpec> ReadBiFormer(const Json& config);
const Json& BiFormerSizes();
StatusOr<EncoderSpec> ReadDinat(const Json& config);
const Json& DinatSizes();
StatusOr<EncoderSpec> ReadFasterVit(const Json& config);
const Json& FasterVitSizes();
StatusOr<EncoderSpec> ReadShvit(const Json& config);
const Json& ShvitSizes();
// Their configs say every size.
StatusOr<EncoderSpec> ReadClip(const Json& config);
StatusOr<EncoderSpec> ReadSiglip(const Json& config);
StatusOr<EncoderSpec> ReadQwen25Encoder(const Json& config);
StatusOr<EncoderSpec> ReadQwen3Encoder(const Json& config);
const Json& NoSizes();

// Exactly four whole numbers, or the fallback where the field is missing.
std::array<int64_t, 4> FourInts(const ConfigReader& c, const std::string& key, int64_t low,
                                int64_t high, const std::array<int64_t, 4>& fallback);
// ImageNet's preparation, with resolution, crop_pct, crop_mode, mean and std of the config or of
// its "pretrained_cfg".
vision::PixelRule ReadImageNetRule(const ConfigReader& c);
// num_classes, or the number of labels of a transformers config.
int64_t ReadClasses(const ConfigReader& c);

}  // namespace sightline
