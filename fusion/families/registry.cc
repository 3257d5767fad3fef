#include "fusion/families/registry.h"

#include <algorithm>
#include <filesystem>

#include "fusion/families/readers.h"
#include "fusion/gguf/config.h"

namespace sightline {

const std::vector<Family>& Families() {
  static const std::vector<Family> families = {
      {"llama", {"llama"}, {"LlamaForCausalLM"}, ReadLlama},
      {"qwen2", {"qwen2"}, {"Qwen2ForCausalLM"}, ReadQwen2},
      {"qwen3", {"qwen3"}, {"Qwen3ForCausalLM"}, ReadQwen3},
      {"gemma3", {"gemma3_text"}, {"Gemma3ForCausalLM"}, ReadGemma3},
      {"smolvlm",
       {"smolvlm", "idefics3"},
       {"SmolVLMForConditionalGeneration", "Idefics3ForConditionalGeneration"},
       ReadSmolVlm},
      {"qwen2_5_vl", {"qwen2_5_vl"}, {"Qwen2_5_VLForConditionalGeneration"}, ReadQwen25Vl},
      {"qwen3_vl", {"qwen3_vl"}, {"Qwen3VLForConditionalGeneration"}, ReadQwen3Vl},
      {"llava", {"llava"}, {"LlavaForConditionalGeneration"}, ReadLlava},
      {"llava_onevision",
       {"llava_onevision"},
       {"LlavaOnevisionForConditionalGeneration"},
       ReadLlavaOneVision},
  };
  return families;
}

StatusOr<const Family*> FindFamily(const Json& config) {
  ConfigReader c(config, "config.json");
  std::string type = c.Text("model_type", "");
  std::vector<std::string> architectures = c.Texts("architectures", 16);
  SL_RETURN_IF_ERROR(c.status());
  for (const Family& f : Families()) {
    if (std::find(f.model_types.begin(), f.model_types.end(), type) != f.model_types.end())
      return &f;
    for (const std::string& a : f.architectures) {
      if (type.empty() &&
          std::find(architectures.begin(), architectures.end(), a) != architectures.end()) {
        return &f;
      }
    }
  }
  if (type.empty()) type = architectures.empty() ? "missing" : architectures[0];
  return ErrorWithReason(
      absl::StatusCode::kUnimplemented, "MODEL_FAMILY_UNKNOWN",
      "config.json: model_type '" + type.substr(0, 60) + "' is not one this build runs");
}

StatusOr<ModelConfigs> ReadModelConfigs(const std::string& directory) {
  ModelConfigs m;
  SL_ASSIGN_OR_RETURN(m.config, ReadJsonFile(directory, "config.json"));
  m.processor = m.generation = Json::object();
  std::error_code none;
  if (std::filesystem::exists(directory + "/generation_config.json", none)) {
    SL_ASSIGN_OR_RETURN(m.generation, ReadJsonFile(directory, "generation_config.json"));
  }
  for (const char* file : {"preprocessor_config.json", "processor_config.json"}) {
    std::error_code error;
    if (!std::filesystem::exists(directory + "/" + file, error)) continue;
    SL_ASSIGN_OR_RETURN(m.processor, ReadJsonFile(directory, file));
    break;
  }
  std::error_code error;
  const char* clips = "video_preprocessor_config.json";
  if (!m.processor.contains("video_processor") &&
      std::filesystem::exists(directory + "/" + clips, error)) {
    SL_ASSIGN_OR_RETURN(m.processor["video_processor"], ReadJsonFile(directory, clips));
  }
  return m;
}

namespace {

// One id or a list of them; the generation config speaks first, then the text config, then the
// whole.
std::vector<int32_t> ReadEndIds(const ConfigReader& c) {
  if (!c.Has("eos_token_id")) return {};
  if (!c.json()["eos_token_id"].is_array()) {
    return {static_cast<int32_t>(c.Int("eos_token_id", 0, 1 << 22))};
  }
  std::vector<int64_t> ids = c.Ints("eos_token_id", 64, 0, 1 << 22);
  return {ids.begin(), ids.end()};
}

// What a request gets that does not say how to sample. Without do_sample the reference is greedy.
void ReadSampling(const ConfigReader& c, CheckpointSpec* spec) {
  SamplingOptions& s = spec->sampling;
  if (c.Bool("do_sample", false)) {
    s.temperature = std::min(2.0, c.Real("temperature", 0, 100, 1));
    s.top_k = static_cast<int>(c.Int("top_k", 0, 1 << 22, 50));
    s.top_p = c.Real("top_p", 1e-9, 1, 1);
  }
  s.repetition_penalty = c.Real("repetition_penalty", 1e-3, 10, 1);
  spec->max_new_tokens = static_cast<int>(c.Int("max_new_tokens", 1, 1 << 24, 1024));
}

}  // namespace

StatusOr<CheckpointSpec> ReadCheckpointSpec(const GgufModel& model) {
  SL_ASSIGN_OR_RETURN(ModelConfigs configs, ReadGgufConfigs(model));
  auto spec = ReadCheckpointSpec(configs);
  if (spec.ok()) {
    spec->unused.push_back("rope_freqs.weight");  // read with the metadata
    return spec;
  }
  // The metadata has been checked; what a family still refuses it names as its own files would.
  std::string what(spec.status().message());
  for (const char* file : {"generation_config.json", "processor_config.json", "config.json"}) {
    size_t at = what.find(file);
    if (at != std::string::npos) what.replace(at, std::string(file).size(), "metadata");
  }
  return ErrorWithReason(spec.status().code(), ReasonOf(spec.status()), "gguf: " + what);
}

StatusOr<CheckpointSpec> ReadCheckpointSpec(const std::string& directory) {
  if (IsGgufPath(directory)) {
    SL_ASSIGN_OR_RETURN(GgufModel model, OpenGgufModel(directory));
    return ReadCheckpointSpec(model);
  }
  SL_ASSIGN_OR_RETURN(ModelConfigs configs, ReadModelConfigs(directory));
  return ReadCheckpointSpec(configs);
}

StatusOr<CheckpointSpec> ReadCheckpointSpec(const ModelConfigs& configs) {
  SL_ASSIGN_OR_RETURN(const Family* family, FindFamily(configs.config));
  SL_ASSIGN_OR_RETURN(CheckpointSpec spec, family->read(configs));
  spec.family = family->name;
  ConfigReader generation(configs.generation, "generation_config.json");
  ConfigReader config(configs.config, "config.json"), text(config, "text_config");
  for (const ConfigReader* c : {&generation, &text, &config}) {
    if (spec.end_ids.empty()) spec.end_ids = ReadEndIds(*c);
    SL_RETURN_IF_ERROR(c->status());
  }
  ReadSampling(generation, &spec);
  SL_RETURN_IF_ERROR(generation.status());
  return spec;
}

StatusOr<std::unique_ptr<language::Decoder>> LoadDecoder(const CheckpointSpec& spec,
                                                         Checkpoint* weights, WeightChoice choice) {
  auto read = [&](const std::string& name, const std::vector<int64_t>& shape) {
    return weights->Stored(name == "lm_head.weight" ? "head" : "text", name, shape);
  };
  return language::Decoder::Load(spec.text, read, choice, weights->device());
}

}  // namespace sightline
