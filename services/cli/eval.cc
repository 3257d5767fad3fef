#include <cstdio>

#include "services/cli/client.h"
#include "services/cli/commands.h"
#include "tools/eval/eval_scenes.h"

namespace sightline::cli {
namespace {

struct EvalFlags {
  EvalOptions options;
  EvalModelOptions model;
  bool json = false;
};

int Eval(EvalFlags f) {
  if (Status status = CheckEvalOptions(f.options); !status.ok()) return Fail(status);
  auto folder = FindModel(f.model.folder);
  if (!folder.ok()) return Fail(folder.status());
  f.model.folder = *folder;
  auto model = EvalModel::Load(f.model);
  if (!model.ok()) return Fail(model.status());
  StatusOr<std::string> report = std::string();
  {
    ProgressBar bar(f.options.split);
    report = EvalScenes(*model, f.options, [&](int done) {
      bar.Set(static_cast<double>(done) / f.options.count, std::to_string(done) + " scenes");
    });
  }
  if (!report.ok()) return Fail(report.status());
  std::printf("%s\n", (f.json ? *report : SummariseReport(*report)).c_str());
  return 0;
}

}  // namespace

void AddEval(CLI::App* app, int* exit_status) {
  auto* cmd = app->add_subcommand("eval", "Measure a model on fresh scenes with known answers");
  auto* scenes =
      cmd->add_subcommand("scenes", "Rendered scenes: questions, labels, boxes, captions, clips");
  cmd->require_subcommand(1);
  auto f = std::make_shared<EvalFlags>();
  scenes->add_option("--split", f->options.split, EvalSplits())->capture_default_str();
  scenes
      ->add_option("--seed", f->options.seed,
                   "which scenes; training used none of the seeds below 2^32")
      ->capture_default_str();
  scenes->add_option("--count", f->options.count, "scenes")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  scenes->add_option("--threads", f->options.threads, "scenes at a time")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  scenes->add_option("--model", f->model.folder, "model folder; the one that ships if not given")
      ->envname("SIGHTLINE_MODEL");
  scenes
      ->add_option("--weights", f->model.weights,
                   "the decoder's weights: stored, f32, bf16, q8 or q4")
      ->capture_default_str();
  scenes->add_option("--kv", f->model.kv, "its keys and values: auto, f32 or f16")
      ->capture_default_str();
  scenes->add_option("--wrong", f->options.examples, "write the wrong answers to this file");
  scenes->add_flag("--json", f->json, "print as JSON");
  scenes->callback([f, exit_status] { *exit_status = Eval(*f); });
}

}  // namespace sightline::cli
