#include "fusion/families/model_size.h"

#include <algorithm>
#include <string>
#include <vector>

namespace sightline {
namespace {

using Patterns = std::vector<std::string>;

bool Matches(const std::string& name, const Patterns& patterns) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& p) { return MatchesPattern(name, p); });
}

// As the decoder keeps it: matrices packed, norms and biases in float32.
int64_t DecoderBytes(const TensorInfo& t, WeightChoice choice) {
  const BlockTraits* stored = FindBlockTraits(t.dtype);
  if (!stored || t.shape.size() != 2) return 4 * Tensor::Count(t.shape);
  return WeightMatrix::PackedBytes(stored->format, t.shape[0], t.shape[1], choice);
}

// As a published tower keeps it: layers packed, the patches' convolution among them; what is added
// or looked up in float32.
int64_t TowerBytes(const std::string& name, const TensorInfo& t, WeightChoice choice) {
  int64_t count = Tensor::Count(t.shape);
  bool table = name.ends_with("position_embedding.weight") || name.ends_with("pos_embed.weight");
  if (table || t.shape.size() < 2 || count == 0) return 4 * count;
  return WeightMatrix::PackedBytes(BlockFormat::kF32, t.shape[0], count / t.shape[0],
                                   TowerWeights(choice));
}

}  // namespace

StatusOr<ModelSize> SizeOf(const ModelDescription& model, WeightChoice choice,
                           Checkpoint* weights) {
  SL_RETURN_IF_ERROR(weights->Map(model.parts));
  Patterns ends, tower, plain;
  for (const WeightPart& p : model.parts) {
    if (p.of_text()) {
      ends.push_back(weights->Prefix(p.part) + p.probe);
    } else if (model.packs_tower && p.part == "vision") {
      tower.push_back(weights->Pattern(p));
    } else {
      plain.push_back(weights->Pattern(p));
    }
  }
  ModelSize size;
  for (const auto& [name, t] : weights->tensors()) {
    if (Matches(name, model.unused)) continue;
    if (Matches(name, tower)) {
      size.visual += TowerBytes(name, t, choice);
    } else if (Matches(name, plain)) {
      size.visual += 4 * Tensor::Count(t.shape);
    } else {
      size.text += DecoderBytes(t, Matches(name, ends) ? EndsOf(choice) : choice);
    }
  }
  return size;
}

}  // namespace sightline
