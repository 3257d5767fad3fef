// An encoder folder: config.json, model.safetensors and, for every case, SIZE.safetensors with the
// pixels, the logits and the maps of all stages. The architecture is the folder's name unless the
// config says it.
#pragma once

#include <string>

#include "tools/parity/golden_file.h"
#include "tools/parity/report.h"
#include "vision/encoders/encoder.h"

namespace sightline::parity {

bool IsEncoderFolder(const std::string& directory);

// One case. Maps of more than 60,000 values are stored as every n-th value, n = max(1, numel /
// 20,000).
Status CompareEncoderCase(const vision::ImageEncoder& encoder, const GoldenFile& golden,
                          const std::string& name, Report* report);

// Every case of a folder. Where SIZE.png or SIZE/image.png stands beside a case, its pixels are
// compared as well.
StatusOr<Report> CompareEncoderFolder(const std::string& directory, const Device& device = {});

}  // namespace sightline::parity
