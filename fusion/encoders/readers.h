// One reader an architecture, each in a file of its own; listed in encoder_registry.cc.
#pragma once

#include "fusion/encoders/encoder_registry.h"

namespace sightline {

StatusOr<EncoderSpec> ReadBiFormer(const Json& config);
const Json& BiFormerSizes();

// Exactly four whole numbers, or the fallback where the field is missing.
std::array<int64_t, 4> FourInts(const ConfigReader& c, const std::string& key, int64_t low,
                                int64_t high, const std::array<int64_t, 4>& fallback);
// num_classes, or the number of labels of a transformers config.
int64_t ReadClasses(const ConfigReader& c);

}  // namespace sightline
