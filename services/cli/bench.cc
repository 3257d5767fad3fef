#include <cstdio>

#include "compute/base/thread_pool.h"
#include "fusion/language_model.h"
#include "services/cli/client.h"
#include "services/cli/commands.h"
#include "tools/bench/model_bench.h"
#include "tools/bench/random_gguf.h"
#include "tools/bench/random_model.h"

namespace sightline::cli {
namespace {

struct BenchFlags {
  bench::ModelBenchOptions options;
  std::string model, random, write, weights = "stored", kv = "auto";
  int threads = 0;
  bool json = false;
};

StatusOr<std::unique_ptr<language::Decoder>> Load(const BenchFlags& f) {
  SL_ASSIGN_OR_RETURN(WeightChoice weights, ParseWeightChoice(f.weights));
  if (!f.random.empty()) {
    SL_ASSIGN_OR_RETURN(language::DecoderSpec spec, bench::SpecOf(f.random));
    return bench::RandomDecoder(spec, weights);
  }
  SL_ASSIGN_OR_RETURN(std::string folder, FindModel(f.model));
  SL_ASSIGN_OR_RETURN(LanguageModel model, LoadLanguageModel(folder, {}, {}, weights));
  return std::move(model.decoder);
}

int Write(const BenchFlags& f) {
  auto weights = ParseWeightChoice(f.weights);
  if (!weights.ok()) return Fail(weights.status());
  auto spec = bench::SpecOf(f.random);
  if (!spec.ok()) return Fail(spec.status());
  Status written = bench::WriteRandomGguf(*spec, *weights, f.write);
  if (!written.ok()) return Fail(written);
  std::printf("%s: random weights of shape %s\n", f.write.c_str(), f.random.c_str());
  return 0;
}

int Bench(const BenchFlags& f) {
  if (!f.write.empty()) return Write(f);
  if (f.threads > 0) SetComputeThreads(f.threads);
  const int64_t process = bench::Resident().now;
  auto decoder = Load(f);
  if (!decoder.ok()) return Fail(decoder.status());
  auto kv = ParseKvChoice(f.kv);
  if (!kv.ok()) return Fail(kv.status());
  bench::ModelBenchOptions options = f.options;
  options.kv = *kv;
  options.process_bytes = process;
  auto report = bench::BenchDecoder(**decoder, options);
  if (!report.ok()) return Fail(report.status());
  (*report)["weights"] = f.weights;
  (*report)["model"] = f.random.empty() ? f.model : "random " + f.random;
  std::printf("%s\n", f.json ? report->dump(2).c_str() : bench::DescribeBench(*report).c_str());
  return 0;
}

}  // namespace

void AddBench(CLI::App* app, int* exit_status) {
  auto* cmd = app->add_subcommand("bench", "Time a model's decoder beside this machine's ceilings");
  auto f = std::make_shared<BenchFlags>();
  auto* model = cmd->add_option("model", f->model, "model folder; the one that ships if not given");
  auto* random =
      cmd->add_option("--random", f->random, "random weights of a shape instead: 135m, 0.5b or 3b")
          ->excludes(model);
  cmd->add_option("--write", f->write,
                  "write such weights (bf16, q8 or q4) to this GGUF file, for another engine to be "
                  "timed on, and time nothing")
      ->needs(random);
  cmd->add_option("--weights", f->weights, "stored, f32, bf16, q8 or q4")->capture_default_str();
  cmd->add_option("--kv", f->kv, "keys and values: auto, f32 or f16")->capture_default_str();
  cmd->add_option("--prompt", f->options.prompt, "tokens of the prompt; 0: none")
      ->check(CLI::Range(0, 32768))
      ->capture_default_str();
  cmd->add_option("--generate", f->options.generate, "tokens to generate")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  cmd->add_option("--depth", f->options.depths, "tokens before the generated ones, one or several")
      ->delimiter(',')
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  cmd->add_option("--runs", f->options.runs, "medians are of so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  cmd->add_option("--threads", f->threads, "compute threads; 0 takes one a core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  cmd->add_flag("--ceilings,!--no-ceilings", f->options.ceilings,
                "measure this machine's ceilings as well (default)");
  cmd->add_flag("--json", f->json, "print as JSON");
  cmd->footer(
      "Example: sightline bench --random 0.5b --weights q8 --prompt 512 --generate 64 --depth "
      "0,4096 --threads 2");
  cmd->callback([f, exit_status] { *exit_status = Bench(*f); });
}

}  // namespace sightline::cli
