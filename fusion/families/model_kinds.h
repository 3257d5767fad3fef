// The kinds of model directories: Sightline's own `scenes`, and the published families of
// registry.h. Nothing outside this folder asks which one it is.
#pragma once

#include "fusion/language_model.h"
#include "fusion/media_encoder.h"
#include "language/decoder_spec.h"

namespace sightline {

// What a model's configs say, without its weights. A path is a directory or a GGUF file
// (gguf/model.h).
struct ModelDescription {
  std::string name, family;
  language::DecoderSpec text;
  bool images = false, clips = false;
  ClipRule clip;
  std::vector<WeightPart> parts;    // of the weights; all but "text" and "head" are visual
  std::vector<std::string> unused;  // patterns of weights that are not loaded
  bool packs_tower = false;  // part "vision" is kept as TowerWeights says, not all in float32
};
StatusOr<ModelDescription> DescribeModel(const std::string& directory);
// The last part of a path; of a GGUF file without its ending.
std::string ModelName(const std::string& directory);

StatusOr<ModelDescription> DescribeScenes(const std::string& directory);
StatusOr<std::unique_ptr<MediaEncoder>> LoadScenesMedia(const std::string& directory,
                                                        const LoadProgress& progress,
                                                        const Device& device, WeightChoice weights);
StatusOr<LanguageModel> LoadScenesLanguage(const std::string& directory,
                                           const LoadProgress& progress, const Device& device,
                                           WeightChoice weights);

StatusOr<ModelDescription> DescribePublished(const std::string& directory);
StatusOr<std::unique_ptr<MediaEncoder>> LoadPublishedMedia(const std::string& directory,
                                                           const LoadProgress& progress,
                                                           const Device& device,
                                                           WeightChoice weights);
StatusOr<LanguageModel> LoadPublishedLanguage(const std::string& directory,
                                              const LoadProgress& progress, const Device& device,
                                              WeightChoice weights);

}  // namespace sightline
