#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "fusion/families/model_kinds.h"
#include "fusion/gguf/model.h"
#include "language/decoder_size.h"
#include "services/cli/client.h"
#include "services/cli/commands.h"

namespace sightline::cli {
namespace {

struct Part {
  int64_t tensors = 0, weights = 0, bytes = 0;  // bytes as stored
};

constexpr std::pair<const char*, WeightChoice> kChoices[] = {{"f32", WeightChoice::kF32},
                                                             {"bf16", WeightChoice::kBF16},
                                                             {"q8", WeightChoice::kQ8},
                                                             {"q4", WeightChoice::kQ4}};

// What the model takes in memory with --weights and --kv.
struct Memory {
  nlohmann::ordered_json weights;  // bytes by choice: the decoder's in that form
  int64_t others = 0;              // of it the visual half's, at most: float32
  nlohmann::ordered_json kv;       // bytes a token by format
};

Memory MemoryOf(const ModelDescription& model, int64_t weights) {
  Memory m;
  for (const auto& [name, choice] : kChoices) {
    language::DecoderSize size = language::SizeOf(model.text, BlockFormat::kBF16, choice);
    if (model.images || model.clips) m.others = 4 * std::max<int64_t>(0, weights - size.parameters);
    m.weights[name] = size.matrix_bytes + size.vector_bytes + m.others;
  }
  for (KvFormat format : {KvFormat::kF32, KvFormat::kF16}) {
    m.kv[std::string(NameOf(format))] = language::KvBytesPerToken(model.text, format);
  }
  return m;
}

double Gib(int64_t bytes) { return static_cast<double>(bytes) / (1 << 30); }

void PrintMemory(const Memory& m) {
  std::printf("  memory with --weights:");
  for (const auto& [name, bytes] : m.weights.items())
    std::printf(" %s %.2f GiB%s", name.c_str(), Gib(bytes.get<int64_t>()),
                name == kChoices[3].first ? "" : ",");
  if (m.others > 0) std::printf("; of it at most %.2f GiB for the visual half", Gib(m.others));
  std::printf("\n  and for each 1000 tokens in flight, with --kv:");
  for (const auto& [name, bytes] : m.kv.items())
    std::printf(" %s %.2f MiB", name.c_str(), bytes.get<double>() * 1000 / (1 << 20));
  std::printf("\n");
}

int Inspect(const std::string& path, bool tensors, bool json) {
  std::string gguf = FindGguf(path), folder = gguf.empty() ? path : gguf;
  auto spec = DescribeModel(folder);
  if (!spec.ok()) return Fail(spec.status());
  auto file = Checkpoint::Open(folder);
  if (!file.ok()) return Fail(file.status());
  std::map<std::string, Part> parts;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  std::map<std::string, int64_t> stored;  // weights by format
  int64_t total = 0, bytes = 0;
  for (const auto& [name, t] : (*file)->tensors()) {
    Part& p = parts[name.substr(0, name.find('.'))];
    p.tensors += 1;
    p.weights += Tensor::Count(t.shape);
    p.bytes += static_cast<int64_t>(t.end - t.begin);
    total += Tensor::Count(t.shape);
    bytes += static_cast<int64_t>(t.end - t.begin);
    stored[t.dtype] += Tensor::Count(t.shape);
    if (tensors) list.push_back({{"name", name}, {"shape", t.shape}, {"format", t.dtype}});
  }
  const language::DecoderSpec& d = spec->text;
  const Memory memory = MemoryOf(*spec, total);
  if (json) {
    nlohmann::ordered_json out = {{"name", spec->name},
                                  {"family", spec->family},
                                  {"weights", total},
                                  {"context_tokens", d.context},
                                  {"file_bytes", bytes},
                                  {"stored", stored},
                                  {"memory_bytes", memory.weights},
                                  {"visual_memory_bytes", memory.others},
                                  {"kv_bytes_per_token", memory.kv},
                                  {"images", spec->images},
                                  {"clips", spec->clips},
                                  {"decoder",
                                   {{"layers", d.layers},
                                    {"hidden", d.hidden},
                                    {"heads", d.heads},
                                    {"kv_heads", d.kv_heads},
                                    {"ffn", d.ffn},
                                    {"vocabulary", d.vocab}}}};
    if (tensors) out["tensors"] = list;
    std::printf("%s\n", out.dump(2).c_str());
    return 0;
  }
  std::printf("%s (%s): %.2f M weights\n", spec->name.c_str(), spec->family.c_str(),
              static_cast<double>(total) / 1e6);
  for (const auto& [name, p] : parts)
    std::printf("  %-12s %4ld tensors  %8.2f M weights in %.2f GiB\n", name.c_str(),
                static_cast<long>(p.tensors), static_cast<double>(p.weights) / 1e6, Gib(p.bytes));
  std::printf("  stored: %.2f GiB,", Gib(bytes));
  for (const auto& [format, n] : stored)
    std::printf(" %s %.2f M", format.c_str(), static_cast<double>(n) / 1e6);
  std::printf("\n");
  std::printf(
      "  decoder: %ld layers of width %ld, %ld heads (%ld for keys and values), vocabulary %ld, "
      "context %ld tokens\n",
      static_cast<long>(d.layers), static_cast<long>(d.hidden), static_cast<long>(d.heads),
      static_cast<long>(d.kv_heads), static_cast<long>(d.vocab), static_cast<long>(d.context));
  PrintMemory(memory);
  std::printf("  takes text%s%s\n", spec->images ? ", images" : "", spec->clips ? ", clips" : "");
  if (spec->clips)
    std::printf("  clips: %g frames a second, %d to %d frames\n", spec->clip.frames_per_second,
                spec->clip.min_frames, spec->clip.max_frames);
  for (const auto& t : list)
    std::printf("  %s %s\n", t["shape"].dump().c_str(), t["name"].get<std::string>().c_str());
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
