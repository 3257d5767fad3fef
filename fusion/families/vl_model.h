// A downloaded model, ready to run: text side, visual side if it has one, and how the two meet in
// the prompt.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fusion/families/registry.h"

namespace sightline {

// Const after loading; thread-safe for different sequences.
class VlModel {
 public:
  // Config, weights and names are checked; tensors that are missing, extra or of another shape are
  // named.
  static StatusOr<std::unique_ptr<VlModel>> Load(const std::string& directory,
                                                 const Device& device = {},
                                                 WeightChoice weights = WeightChoice::kStored);

  // The prompt as the decoder reads it. Each place id among `ids` takes one visual row; `visual`
  // may be null. INVALID_ARGUMENT when places and rows don't match or an id leaves the vocabulary.
  StatusOr<language::StepInput> Prompt(const std::vector<int32_t>& ids, const VisualInput* visual,
                                       VisualRows* rows = nullptr) const;
  const language::Decoder& decoder() const { return *decoder_; }
  const VisionSide* vision() const { return vision_.get(); }  // null for text-only families
  const CheckpointSpec& spec() const { return spec_; }

 private:
  VlModel() = default;
  CheckpointSpec spec_;
  std::unique_ptr<language::Decoder> decoder_;
  std::unique_ptr<VisionSide> vision_;
};

}  // namespace sightline
