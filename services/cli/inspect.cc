#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "fusion/families/model_kinds.h"
#include "fusion/gguf/model.h"
#include "services/cli/client.h"
#include "services/cli/commands.h"

namespace sightline::cli {
namespace {

struct Part {
  int64_t tensors = 0, weights = 0;
};

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
    total += Tensor::Count(t.shape);
    bytes += static_cast<int64_t>(t.end - t.begin);
    stored[t.dtype] += Tensor::Count(t.shape);
    if (tensors) list.push_back({{"name", name}, {"shape", t.shape}, {"format", t.dtype}});
  }
  const language::DecoderSpec& d = spec->text;
  // float32: every weight, and a key and a value of every layer for each token.
  const int64_t kv = d.layers * 2 * d.kv_heads * d.head_dim * 4;
  if (json) {
    nlohmann::ordered_json out = {{"name", spec->name},
                                  {"family", spec->family},
                                  {"weights", total},
                                  {"context_tokens", d.context},
                                  {"weight_bytes", total * 4},
                                  {"file_bytes", bytes},
                                  {"stored", stored},
                                  {"kv_bytes_per_token", kv},
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
    std::printf("  %-12s %4ld tensors  %8.2f M weights\n", name.c_str(),
                static_cast<long>(p.tensors), static_cast<double>(p.weights) / 1e6);
  std::printf("  stored: %.2f GiB,", static_cast<double>(bytes) / (1 << 30));
  for (const auto& [format, n] : stored)
    std::printf(" %s %.2f M", format.c_str(), static_cast<double>(n) / 1e6);
  std::printf("\n");
  std::printf(
      "  decoder: %ld layers of width %ld, %ld heads (%ld for keys and values), vocabulary %ld, "
      "context %ld tokens\n",
      static_cast<long>(d.layers), static_cast<long>(d.hidden), static_cast<long>(d.heads),
      static_cast<long>(d.kv_heads), static_cast<long>(d.vocab), static_cast<long>(d.context));
  std::printf("  memory: %.2f GiB of weights, %.2f MiB for each 1000 tokens in flight\n",
              static_cast<double>(total) * 4 / (1 << 30),
              static_cast<double>(kv) * 1000 / (1 << 20));
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
