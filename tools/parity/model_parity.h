// A model folder: config and weights as downloaded, and golden/<case>/ with what the reference
// computed.
#pragma once

#include <string>

#include "fusion/families/vl_model.h"
#include "tools/parity/golden_file.h"
#include "tools/parity/report.h"

namespace sightline::parity {

// in.pixel_values and its grids and sizes; false when the case is text alone.
StatusOr<bool> ReadVisualInput(const GoldenFile& golden, VisualInput* in);

// One case: from the reference's pixels to features, logits and greedy tokens.
Status CompareCase(const VlModel& model, const GoldenFile& golden, const std::string& name,
                   KvFormat kv, Report* report);
// Pixels of the files image*.png or frame*.png of a case folder, against the reference's; nothing
// without such files.
Status ComparePixels(const VlModel& model, const GoldenFile& golden, const std::string& case_folder,
                     Report* report);

// Every case of a model folder, or the one of a decoder folder. The decoder's weights are kept as
// `weights` says, keys and values as `kv`; bounds stay those of float32. `model` runs instead of
// the folder's own: a GGUF file of it.
StatusOr<Report> CompareFolder(const std::string& directory,
                               WeightChoice weights = WeightChoice::kStored,
                               const Device& device = {}, const std::string& model = "",
                               KvFormat kv = KvFormat::kF32);

}  // namespace sightline::parity
