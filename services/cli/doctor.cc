// Checks one by one what a server needs, and says what to do about what is missing.
#include <sys/sysinfo.h>

#include <cstdio>
#include <functional>
#include <thread>

#include "fusion/engine.h"
#include "fusion/families/model_kinds.h"
#include "fusion/vision_pipeline.h"
#include "services/cli/client.h"
#include "services/cli/commands.h"
#include "tools/world/world.h"

namespace sightline::cli {
namespace {

struct Finding {
  bool ok = false;
  std::string text;
};

Finding Processor() {
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return {true, std::to_string(std::thread::hardware_concurrency()) + " cores, " +
                    (avx2 ? "AVX2" : "no AVX2: it will be slow")};
}

Finding Memory() {
  struct sysinfo info {};
  sysinfo(&info);
  const double gib = static_cast<double>(info.freeram + info.bufferram) * info.mem_unit / (1 << 30);
  char text[64];
  std::snprintf(text, sizeof text, "%.1f GiB free%s", gib, gib < 1 ? "; a server wants 1 GiB" : "");
  return {gib >= 1, text};
}

Finding ModelFolder(const std::string& model) {
  auto folder = FindModel(model);
  if (!folder.ok()) return {false, std::string(folder.status().message())};
  auto spec = DescribeModel(*folder);
  return {spec.ok(),
          spec.ok() ? spec->name + " in " + *folder : std::string(spec.status().message())};
}

// A scene of the world with a known answer, through the whole engine.
Finding Question(const std::string& model) {
  auto folder = FindModel(model);
  if (!folder.ok()) return {false, "skipped"};
  auto vision = VisionPipeline::Load(*folder);
  auto engine = Engine::Load(*folder);
  if (!vision.ok() || !engine.ok())
    return {false, std::string((vision.ok() ? engine.status() : vision.status()).message())};
  int right = 0, asked = 0;
  const absl::Time began = absl::Now();
  for (uint64_t i = 0; i < 4; ++i) {
    const world::EvalItem item = world::MakeEvalItem(world::Split::kIid, 1, i);
    if (item.images.size() != 1) continue;
    const world::Picture& p = item.images[0];
    auto media = (*vision)->EncodeFrames({Image{p.width, p.height, p.rgb}}, {}, {});
    if (!media.ok()) return {false, std::string(media.status().message())};
    auto shared = std::make_shared<EncodedMedia>(*std::move(media));
    for (const world::Qa& qa : item.questions) {
      GenerateRequest request;
      request.parts = {{shared}, {qa.question}};
      std::string reply;
      auto done = (*engine)->Generate(request, {}, [&](const Delta& d) {
        reply += d.text;
        return true;
      });
      if (!done.ok()) return {false, std::string(done.status().message())};
      right += world::ScoreReply(qa, reply).correct;
      ++asked;
    }
  }
  char text[96];
  std::snprintf(text, sizeof text, "%d of %d rendered questions right, %.0f ms each", right, asked,
                absl::ToDoubleMilliseconds(absl::Now() - began) / std::max(1, asked));
  return {right * 10 >= asked * 7, text};
}

Finding Reachable(const std::string& server) {
  auto channel = grpc::CreateChannel(server, grpc::InsecureChannelCredentials());
  const bool up =
      channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(1));
  return {true, up ? "a server answers at " + server
                   : "no server at " + server + " (start one: sightline serve)"};
}

int Doctor(const std::string& model, const std::string& server) {
  const std::pair<const char*, std::function<Finding()>> checks[] = {
      {"processor", Processor},
      {"memory", Memory},
      {"model", [&] { return ModelFolder(model); }},
      {"answers", [&] { return Question(model); }},
      {"server", [&] { return Reachable(server); }}};
  int failed = 0;
  for (const auto& [name, check] : checks) {
    const Finding f = check();
    std::printf("%-4s %-10s %s\n", f.ok ? "ok" : "FAIL", name, f.text.c_str());
    failed += !f.ok;
  }
  return failed ? 1 : 0;
}

}  // namespace

void AddDoctor(CLI::App* app, int* exit_status) {
  auto* cmd = app->add_subcommand("doctor", "Check this machine, the model and the server");
  auto model = std::make_shared<std::string>(),
       server = std::make_shared<std::string>("127.0.0.1:50051");
  cmd->add_option("--model", *model, "model folder or GGUF file; the one that ships if not given")
      ->envname("SIGHTLINE_MODEL");
  cmd->add_option("--server", *server, "address to look for a server")
      ->envname("SIGHTLINE_SERVER")
      ->capture_default_str();
  cmd->callback([=] { *exit_status = Doctor(*model, *server); });
}

}  // namespace sightline::cli
