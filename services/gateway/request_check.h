// A public request, checked once at the edge and turned into native values. Every refusal names the
// field.
#pragma once

#include <string>
#include <vector>

#include "fusion/vision_pipeline.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "services/config.h"
#include "services/roles/language_role.h"
#include "sightline/v1/vision_language_service.pb.h"

namespace sightline {

struct CheckedPart {
  int index = 0;  // in the request
  bool is_text = false;
  std::string text;
  MediaItem media;    // its bytes point into the request
  std::string field;  // "content[2].image.data"
};

struct CheckedOptions {
  SamplingOptions sampling;
  int max_output_tokens = 0;
  std::vector<std::string> stop;
};

enum class TextRule { kRequired, kRefused };

StatusOr<std::vector<CheckedPart>> CheckContent(
    const google::protobuf::RepeatedPtrField<v1::Content>& content, const ServerConfig& config,
    TextRule rule);
StatusOr<CheckedOptions> CheckOptions(const v1::GenerationOptions& options,
                                      const ServerConfig& config, const LanguageInfo& model);
// Empty or "models/NAME" of the loaded model; NOT_FOUND otherwise.
Status CheckModel(const std::string& name, const std::string& loaded);

}  // namespace sightline
