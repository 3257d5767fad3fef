// scenes_eval MODEL SPLIT SEED COUNT [WRONG_ANSWERS_FILE|- [WEIGHTS]]: the evaluation without the
// server's command line.
#include <cstdio>
#include <cstdlib>

#include "compute/base/thread_pool.h"
#include "tools/eval/eval_scenes.h"

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr,
                 "usage: scenes_eval MODEL SPLIT SEED COUNT [WRONG_ANSWERS_FILE|- [WEIGHTS]]\n");
    return 2;
  }
  sightline::SetComputeThreads(1);  // scenes are spread over threads; each one computes alone
  auto vision = sightline::VisionPipeline::Load(argv[1]);
  auto weights = sightline::ParseWeightChoice(argc > 6 ? argv[6] : "stored");
  if (!weights.ok()) {
    std::fprintf(stderr, "%s\n", weights.status().ToString().c_str());
    return 2;
  }
  sightline::EngineOptions engine_options;
  engine_options.weights = *weights;
  auto engine = sightline::Engine::Load(argv[1], engine_options);
  if (!vision.ok() || !engine.ok()) {
    std::fprintf(stderr, "%s\n",
                 (vision.ok() ? engine.status() : vision.status()).ToString().c_str());
    return 1;
  }
  sightline::EvalOptions o;
  o.split = argv[2];
  o.seed = std::strtoull(argv[3], nullptr, 10);
  o.count = std::atoi(argv[4]);
  if (argc > 5 && std::string(argv[5]) != "-") o.examples = argv[5];
  auto report = sightline::EvalScenes(**vision, engine->get(), o, nullptr);
  if (!report.ok()) {
    std::fprintf(stderr, "%s\n", report.status().ToString().c_str());
    return 1;
  }
  std::printf("%s\n", report->c_str());
  return 0;
}
