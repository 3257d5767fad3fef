#include "fusion/families/model_kinds.h"

#include <filesystem>

#include "fusion/families/config_reader.h"
#include "fusion/gguf/model.h"

namespace sightline {
namespace {

struct ModelKind {
  const char* model_type;  // of config.json; null claims what nothing else has claimed
  StatusOr<ModelDescription> (*describe)(const std::string&);
  StatusOr<std::unique_ptr<MediaEncoder>> (*media)(const std::string&, const LoadProgress&,
                                                   const Device&, WeightChoice);
  StatusOr<LanguageModel> (*language)(const std::string&, const LoadProgress&, const Device&,
                                      WeightChoice);
};

const ModelKind kKinds[] = {
    {"scenes", DescribeScenes, LoadScenesMedia, LoadScenesLanguage},
    {nullptr, DescribePublished, LoadPublishedMedia, LoadPublishedLanguage},
};

StatusOr<const ModelKind*> KindOf(const std::string& directory) {
  if (IsGgufPath(directory)) return std::end(kKinds) - 1;
  SL_ASSIGN_OR_RETURN(Json config, ReadJsonFile(directory, "config.json"));
  ConfigReader c(config, "config.json");
  std::string type = c.Text("model_type", "");
  SL_RETURN_IF_ERROR(c.status());
  const ModelKind* kind = kKinds;
  while (kind->model_type && type != kind->model_type) ++kind;
  return kind;
}

}  // namespace

std::string ModelName(const std::string& directory) {
  if (IsGgufPath(directory)) return GgufName(directory);
  std::filesystem::path path = std::filesystem::path(directory).lexically_normal();
  if (path.filename().empty()) path = path.parent_path();
  return path.filename().empty() ? "model" : path.filename().string();
}

StatusOr<ModelDescription> DescribeModel(const std::string& directory) {
  SL_ASSIGN_OR_RETURN(const ModelKind* kind, KindOf(directory));
  return kind->describe(directory);
}

StatusOr<std::unique_ptr<MediaEncoder>> LoadMediaEncoder(const std::string& directory,
                                                         const LoadProgress& progress,
                                                         const Device& device,
                                                         WeightChoice weights) {
  SL_ASSIGN_OR_RETURN(const ModelKind* kind, KindOf(directory));
  return kind->media(directory, progress, device, weights);
}

StatusOr<LanguageModel> LoadLanguageModel(const std::string& directory,
                                          const LoadProgress& progress, const Device& device,
                                          WeightChoice weights) {
  SL_ASSIGN_OR_RETURN(const ModelKind* kind, KindOf(directory));
  return kind->language(directory, progress, device, weights);
}

}  // namespace sightline
