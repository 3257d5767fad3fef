// The language side of a model: many sequences at once, one owner thread. Each of its steps takes
// rows of all active sequences through the decoder together.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "compute/base/request_context.h"
#include "fusion/language_model.h"
#include "fusion/prompt.h"
#include "language/sampling.h"

namespace sightline {

struct GenerateRequest {
  std::vector<PromptPart> parts;
  SamplingOptions sampling;
  int max_output_tokens = 256;
  std::vector<std::string> stop;  // the text ends before the first of these
};

struct Delta {
  std::string text;  // whole UTF-8 characters
  int tokens = 0;
};

enum class FinishReason { kStop, kLength };

struct GenerateSummary {
  FinishReason reason = FinishReason::kStop;
  int prompt_tokens = 0, visual_tokens = 0, output_tokens = 0;
  int reused_tokens = 0;  // of the prompt: their keys and values were there already
  double queue_ms = 0, prefill_ms = 0, decode_ms = 0;
};

struct EngineOptions {
  int max_active = 16;         // sequences decoded together
  int max_queued = 256;        // more wait no longer: RESOURCE_EXHAUSTED
  int step_tokens = 256;       // rows per step: first one of each that generates, then of prompts
  int prefill_chunk = 256;     // of one prompt per step, so that a long one does not stall others
  bool reuse_prefixes = true;  // keep full pages of prompts for those that start the same way
  int64_t kv_budget_bytes = int64_t{1} << 30;
  Device device = {};  // where the decoder and its pages are
  WeightChoice weights = WeightChoice::kStored;
  KvChoice kv = KvChoice::kAuto;  // the form of keys and values: Decoder::KvFor
};

// Thread-safe. A row's numbers do not depend on what shares its step, so an answer does not depend
// on what else is in flight, on how its prompt was cut, or on what of it was reused.
class Engine {
 public:
  using Sink = std::function<bool(const Delta&)>;  // false: stop with CANCELLED; called on the
                                                   // caller's thread

  static StatusOr<std::unique_ptr<Engine>> Load(const std::string& model_directory,
                                                const EngineOptions& options = {},
                                                const LoadProgress& progress = {});
  ~Engine();  // requests in flight end with UNAVAILABLE

  // Blocks until the text has ended. CANCELLED or DEADLINE_EXCEEDED within one decode step.
  StatusOr<GenerateSummary> Generate(const GenerateRequest& request, const RequestContext& context,
                                     const Sink& sink);
  const LanguageModel& model() const;
  int64_t parameter_count() const;
  int active() const;  // sequences waiting or running

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sightline
