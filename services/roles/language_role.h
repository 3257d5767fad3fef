#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "compute/base/request_context.h"
#include "compute/base/status.h"
#include "fusion/engine.h"

namespace sightline {

struct LanguageInfo {
  std::string model;  // without "models/"
  int64_t parameter_count = 0;
  int channels = 0;  // width of the visual tokens that the decoder takes
  int context_tokens = 0;
  SamplingOptions sampling;  // what generation_config.json says; a request's own settings go first
  int max_output_tokens = 256;  // likewise
};

// Generates text from a prompt of text and visual tokens. Thread-safe.
class LanguageRole {
 public:
  // Called with each piece of text, in order; must not block. False ends the generation with
  // CANCELLED.
  using Sink = std::function<bool(const Delta&)>;

  virtual ~LanguageRole() = default;
  // Blocks until the text has ended. Returns CANCELLED or DEADLINE_EXCEEDED within one decode step
  // of `context` saying so.
  virtual StatusOr<GenerateSummary> Generate(const GenerateRequest& request,
                                             const RequestContext& context, const Sink& sink) = 0;
  virtual StatusOr<LanguageInfo> Info(const RequestContext& context) = 0;
};

}  // namespace sightline
