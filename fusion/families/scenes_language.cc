// The language half of the `scenes` family.
#include "fusion/families/model_kinds.h"
#include "fusion/families/scenes_prompt.h"

namespace sightline {
namespace {

class ScenesPrompt : public PromptForm {
 public:
  ScenesPrompt(ModelSpec spec, const language::Tokenizer* codec)
      : spec_(std::move(spec)), codec_(codec) {}
  StatusOr<Prompt> Build(const std::vector<PromptPart>& parts) const override {
    return BuildPrompt(spec_, *codec_, parts);
  }

 private:
  ModelSpec spec_;
  const language::Tokenizer* codec_;
};

}  // namespace

StatusOr<ModelDescription> DescribeScenes(const std::string& directory) {
  SL_ASSIGN_OR_RETURN(ModelSpec s, ReadScenesSpec(directory));
  ModelDescription m{s.name, "scenes", s.text,
                     true,   true,     {s.frames_per_second, s.min_frames, s.max_frames}};
  m.parts = {{"text", "embed_tokens.weight", {s.text_prefix}},
             {"vision", "stem0.weight", {s.vision_prefix}},
             {"projector", "merge.weight", {s.projector_prefix}}};
  if (s.text.tied) {
    m.unused = {"lm_head.weight"};
  } else {
    m.parts.push_back({"head", "lm_head.weight", {""}});
  }
  return m;
}

StatusOr<LanguageModel> LoadScenesLanguage(const std::string& directory, const LoadProgress&,
                                           const Device& device, WeightChoice choice) {
  SL_ASSIGN_OR_RETURN(ModelSpec spec, ReadScenesSpec(directory));
  LanguageModel m;
  m.name = spec.name;
  SL_ASSIGN_OR_RETURN(m.codec, LoadTokenizer(directory));
  for (const std::string& s :
       {spec.user, spec.assistant, spec.end, spec.vision_start, spec.vision_end}) {
    if (m.codec->Special(s) < 0)
      return ErrorWithReason(absl::StatusCode::kInvalidArgument, "TOKENIZER_INVALID",
                             "tokenizer.json lacks the special token " + s);
  }
  if (m.codec->vocab_size() > spec.text.vocab)
    return ErrorWithReason(absl::StatusCode::kInvalidArgument, "TOKENIZER_INVALID",
                           "tokenizer.json has more tokens than config.json's vocab_size");
  m.end_ids = {m.codec->Special(spec.end)};
  m.max_new_tokens = spec.max_new_tokens;
  SL_ASSIGN_OR_RETURN(auto file, WeightFile::Open(directory + "/model.safetensors"));
  SL_ASSIGN_OR_RETURN(m.decoder,
                      language::Decoder::Load(spec.text, *file, spec.text_prefix, choice, device));
  m.form = std::make_unique<ScenesPrompt>(std::move(spec), m.codec.get());
  return m;
}

}  // namespace sightline
