// One question from checked parts to the last token: media through the vision role, the prompt
// through the language role.
#pragma once

#include <string>
#include <vector>

#include "services/gateway/request_check.h"
#include "services/roles/language_role.h"
#include "services/roles/vision_role.h"

namespace sightline {

class AnswerFlow {
 public:
  // The roles must outlive the flow. `limits` of each image and clip. Thread-safe.
  AnswerFlow(VisionRole* vision, LanguageRole* language, const MediaLimits& limits)
      : vision_(vision), language_(language), limits_(limits) {}

  // Fills everything of `summary` but model and request id. Errors about media name the part's
  // field.
  Status Run(const std::vector<CheckedPart>& parts, const CheckedOptions& options,
             const RequestContext& context, const LanguageRole::Sink& sink,
             v1::AnswerSummary* summary) const;

 private:
  VisionRole* vision_;
  LanguageRole* language_;
  MediaLimits limits_;
};

}  // namespace sightline
