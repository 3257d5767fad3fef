#pragma once

#include <memory>

#include "services/roles/language_role.h"

namespace sightline {

// Calls the engine directly.
class LocalLanguage : public LanguageRole {
 public:
  explicit LocalLanguage(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
  StatusOr<GenerateSummary> Generate(const GenerateRequest& request, const RequestContext& context,
                                     const Sink& sink) override {
    return engine_->Generate(request, context, sink);
  }
  StatusOr<LanguageInfo> Info(const RequestContext&) override {
    const LanguageModel& m = engine_->model();
    const language::DecoderSpec& s = m.decoder->spec();
    return LanguageInfo{m.name,
                        engine_->parameter_count(),
                        static_cast<int>(s.hidden),
                        static_cast<int>(s.context),
                        m.sampling,
                        m.max_new_tokens};
  }
  Engine* engine() { return engine_.get(); }

 private:
  std::unique_ptr<Engine> engine_;
};

}  // namespace sightline
