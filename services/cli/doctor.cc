// Checks one by one what a server needs, and says what to do about what is missing.
#include <cstdio>
#include <fstream>
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

// What programs can have without swapping; free memory alone leaves out the files that are kept in
// it.
Finding Memory() {
  std::ifstream table("/proc/meminfo");
  std::string line;
  long long kib = -1;
  while (kib < 0 && std::getline(table, line))
    std::sscanf(line.c_str(), "MemAvailable: %lld", &kib);
  if (kib < 0) return {true, "/proc/meminfo does not say how much there is"};
  const double gib = static_cast<double>(kib) / (1 << 20);
  char text[64];
  std::snprintf(text, sizeof text, "%.1f GiB available%s", gib,
                gib < 1 ? "; a server wants 1 GiB" : "");
  return {gib >= 1, text};
}

Finding ModelFolder(const std::string& model) {
  auto folder = FindModel(model);
  if (!folder.ok()) return {false, std::string(folder.status().message())};
  auto spec = DescribeModel(*folder);
  return {spec.ok(),
          spec.ok() ? spec->name + " in " + *folder : std::string(spec.status().message())};
}

using Asked = std::vector<PromptPart>;

StatusOr<std::shared_ptr<const EncodedMedia>> Look(const VisionPipeline& vision,
                                                   const world::Picture& p) {
  SL_ASSIGN_OR_RETURN(EncodedMedia media,
                      vision.EncodeFrames({Image{p.width, p.height, p.rgb}}, {}, {}));
  return std::make_shared<const EncodedMedia>(std::move(media));
}

StatusOr<std::string> Reply(Engine* engine, Asked parts, int max_output_tokens,
                            GenerateSummary* summary) {
  GenerateRequest request;
  request.parts = std::move(parts);
  request.max_output_tokens = max_output_tokens;
  std::string reply;
  SL_ASSIGN_OR_RETURN(*summary, engine->Generate(request, {}, [&](const Delta& d) {
    reply += d.text;
    return true;
  }));
  return reply;
}

// Scenes of the world with known answers, which the models of that family alone were made for.
StatusOr<Finding> RightAnswers(const VisionPipeline& vision, Engine* engine) {
  int right = 0, asked = 0;
  GenerateSummary summary;
  const absl::Time began = absl::Now();
  for (uint64_t i = 0; i < 4; ++i) {
    const world::EvalItem item = world::MakeEvalItem(world::Split::kIid, 1, i);
    if (item.images.size() != 1) continue;
    SL_ASSIGN_OR_RETURN(auto media, Look(vision, item.images[0]));
    for (const world::Qa& qa : item.questions) {
      SL_ASSIGN_OR_RETURN(std::string reply,
                          Reply(engine, {{media}, {qa.question}}, 256, &summary));
      right += world::ScoreReply(qa, reply).correct;
      ++asked;
    }
  }
  char text[96];
  std::snprintf(text, sizeof text, "%d of %d rendered questions right, %.0f ms each", right, asked,
                absl::ToDoubleMilliseconds(absl::Now() - began) / std::max(1, asked));
  return Finding{right * 10 >= asked * 7, text};
}

// Whether any model answers at all, and how fast.
StatusOr<Finding> AnyAnswer(const VisionPipeline& vision, Engine* engine) {
  constexpr int kTokens = 8;
  const bool looks = vision.traits().images;
  Asked parts;
  const absl::Time began = absl::Now();
  for (uint64_t i = 0; looks && parts.empty(); ++i) {
    const world::EvalItem item = world::MakeEvalItem(world::Split::kIid, 1, i);
    if (item.images.size() != 1) continue;
    SL_ASSIGN_OR_RETURN(parts.emplace_back().content, Look(vision, item.images[0]));
  }
  parts.emplace_back().content = looks ? "What is in the image?" : "What is the capital of France?";
  GenerateSummary summary;
  SL_RETURN_IF_ERROR(Reply(engine, std::move(parts), kTokens, &summary).status());
  char text[128];
  std::snprintf(text, sizeof text, "%s in, %d tokens out in %.0f ms",
                looks ? "an image and a question" : "a question", summary.output_tokens,
                absl::ToDoubleMilliseconds(absl::Now() - began));
  return Finding{summary.output_tokens > 0, text};
}

// Through the whole engine.
StatusOr<Finding> Ask(const std::string& folder, const std::string& family) {
  SL_ASSIGN_OR_RETURN(auto vision, VisionPipeline::Load(folder));
  SL_ASSIGN_OR_RETURN(auto engine, Engine::Load(folder));
  return family == "scenes" ? RightAnswers(*vision, engine.get())
                            : AnyAnswer(*vision, engine.get());
}

Finding Answers(const std::string& model) {
  auto folder = FindModel(model);
  if (!folder.ok()) return {false, "skipped"};
  auto spec = DescribeModel(*folder);
  if (!spec.ok()) return {false, "skipped"};
  auto finding = Ask(*folder, spec->family);
  return finding.ok() ? *std::move(finding)
                      : Finding{false, std::string(finding.status().message())};
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
      {"answers", [&] { return Answers(model); }},
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
