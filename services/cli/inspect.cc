#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "fusion/families/model_size.h"
#include "fusion/gguf/model.h"
#include "language/decoder_size.h"
#include "services/cli/client.h"
#include "services/cli/commands.h"

namespace sightline::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::pair<const char*, WeightChoice> kChoices[] = {{"stored", WeightChoice::kStored},
                                                             {"f32", WeightChoice::kF32},
                                                             {"bf16", WeightChoice::kBF16},
                                                             {"q8", WeightChoice::kQ8},
                                                             {"q4", WeightChoice::kQ4}};

struct Part {
  int64_t tensors = 0, weights = 0, bytes = 0;  // bytes as stored
  void Add(const TensorInfo& t) {
    tensors += 1;
    weights += Tensor::Count(t.shape);
    bytes += static_cast<int64_t>(t.end - t.begin);
  }
};

// What a model is, holds and takes, whichever way it is printed.
struct Findings {
  ModelDescription model;
  std::map<std::string, Part> parts;  // by the first word of their names
  Part whole;
  std::map<std::string, int64_t> stored;  // weights by format
  Json tensors = Json::array();
  Json memory, visual_memory;  // bytes by --weights, of all weights and of the visual half's
  Json kv;                     // bytes a token by --kv
};

StatusOr<Findings> Examine(const std::string& path) {
  std::string gguf = FindGguf(path), folder = gguf.empty() ? path : gguf;
  Findings f;
  SL_ASSIGN_OR_RETURN(f.model, DescribeModel(folder));
  SL_ASSIGN_OR_RETURN(std::unique_ptr<Checkpoint> file, Checkpoint::Open(folder));
  for (const auto& [name, t] : file->tensors()) {
    f.parts[name.substr(0, name.find('.'))].Add(t);
    f.whole.Add(t);
    f.stored[t.dtype] += Tensor::Count(t.shape);
    f.tensors.push_back({{"name", name}, {"shape", t.shape}, {"format", t.dtype}});
  }
  for (const auto& [name, choice] : kChoices) {
    SL_ASSIGN_OR_RETURN(ModelSize size, SizeOf(f.model, choice, file.get()));
    f.memory[name] = size.text + size.visual;
    f.visual_memory[name] = size.visual;
  }
  for (KvFormat format : {KvFormat::kF32, KvFormat::kF16}) {
    f.kv[std::string(NameOf(format))] = language::KvBytesPerToken(f.model.text, format);
  }
  return f;
}

void PrintJson(const Findings& f, bool tensors) {
  const language::DecoderSpec& d = f.model.text;
  Json out = {{"name", f.model.name},
              {"family", f.model.family},
              {"weights", f.whole.weights},
              {"context_tokens", d.context},
              {"file_bytes", f.whole.bytes},
              {"stored", f.stored},
              {"memory_bytes", f.memory},
              {"visual_memory_bytes", f.visual_memory},
              {"kv_bytes_per_token", f.kv},
              {"images", f.model.images},
              {"clips", f.model.clips},
              {"decoder",
               {{"layers", d.layers},
                {"hidden", d.hidden},
                {"heads", d.heads},
                {"kv_heads", d.kv_heads},
                {"ffn", d.ffn},
                {"vocabulary", d.vocab}}}};
  if (tensors) out["tensors"] = f.tensors;
  std::printf("%s\n", out.dump(2).c_str());
}

double Millions(int64_t n) { return static_cast<double>(n) / 1e6; }
double Gib(int64_t bytes) { return static_cast<double>(bytes) / (1 << 30); }

// " stored 0.06 GiB, f32 0.08 GiB" and the line's end.
void PrintEach(const Json& bytes, double units_a_byte, const char* unit) {
  const char* before = "";
  for (const auto& [name, n] : bytes.items()) {
    std::printf("%s %s %.2f %s", before, name.c_str(), n.get<double>() * units_a_byte, unit);
    before = ",";
  }
  std::printf("\n");
}

void PrintMemory(const Findings& f) {
  std::printf("  memory with --weights:");
  PrintEach(f.memory, 1.0 / (1 << 30), "GiB");
  if (f.model.images || f.model.clips) {
    std::printf("  of it the visual half's:");
    PrintEach(f.visual_memory, 1.0 / (1 << 30), "GiB");
  }
  std::printf("  and for each 1000 tokens in flight, with --kv:");
  PrintEach(f.kv, 1000.0 / (1 << 20), "MiB");
}

void PrintText(const Findings& f, bool tensors) {
  const ModelDescription& m = f.model;
  const language::DecoderSpec& d = m.text;
  std::printf("%s (%s): %.2f M weights\n", m.name.c_str(), m.family.c_str(),
              Millions(f.whole.weights));
  for (const auto& [name, p] : f.parts)
    std::printf("  %-12s %4ld tensors  %8.2f M weights in %.2f GiB\n", name.c_str(),
                static_cast<long>(p.tensors), Millions(p.weights), Gib(p.bytes));
  std::printf("  stored: %.2f GiB,", Gib(f.whole.bytes));
  for (const auto& [format, n] : f.stored) std::printf(" %s %.2f M", format.c_str(), Millions(n));
  std::printf("\n");
  std::printf(
      "  decoder: %ld layers of width %ld, %ld heads (%ld for keys and values), vocabulary %ld, "
      "context %ld tokens\n",
      static_cast<long>(d.layers), static_cast<long>(d.hidden), static_cast<long>(d.heads),
      static_cast<long>(d.kv_heads), static_cast<long>(d.vocab), static_cast<long>(d.context));
  PrintMemory(f);
  std::printf("  takes text%s%s\n", m.images ? ", images" : "", m.clips ? ", clips" : "");
  if (m.clips)
    std::printf("  clips: %g frames a second, %d to %d frames\n", m.clip.frames_per_second,
                m.clip.min_frames, m.clip.max_frames);
  if (!tensors) return;
  for (const Json& t : f.tensors)
    std::printf("  %s %s\n", t["shape"].dump().c_str(), t["name"].get<std::string>().c_str());
}

int Inspect(const std::string& path, bool tensors, bool json) {
  auto found = Examine(path);
  if (!found.ok()) return Fail(found.status());
  json ? PrintJson(*found, tensors) : PrintText(*found, tensors);
  return 0;
}

}  // namespace

void AddInspect(CLI::App* app, int* exit_status) {
  auto* cmd = app->add_subcommand("inspect",
                                  "Say what a model folder or GGUF file holds, without running it");
  auto folder = std::make_shared<std::string>();
  auto tensors = std::make_shared<bool>(false), json = std::make_shared<bool>(false);
  cmd->add_option("model", *folder, "folder or GGUF file of the model")
      ->required()
      ->check(CLI::ExistingPath);
  cmd->add_flag("--tensors", *tensors, "list every tensor");
  cmd->add_flag("--json", *json, "print as JSON");
  cmd->callback([=] { *exit_status = Inspect(*folder, *tensors, *json); });
}

}  // namespace sightline::cli
