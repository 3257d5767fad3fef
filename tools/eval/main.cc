// scenes_eval MODEL SPLIT SEED COUNT [WRONG_ANSWERS_FILE|- [WEIGHTS [DEVICE REPLIES_FILE]]]: the
// evaluation without the server's command line. With a device and a file for its replies it runs a
// scene at a time, so that the files of two devices can be compared line by line.
#include <cstdio>
#include <cstdlib>

#include "compute/base/thread_pool.h"
#include "compute/cpu/heap.h"
#include "tools/eval/eval_scenes.h"

int main(int argc, char** argv) {
  sightline::KeepTensorsInHeap();
  if (argc < 5) {
    std::fprintf(stderr,
                 "usage: scenes_eval MODEL SPLIT SEED COUNT [WRONG_ANSWERS_FILE|- [WEIGHTS [DEVICE "
                 "REPLIES_FILE]]]\n");
    return 2;
  }
  sightline::SetComputeThreads(1);  // scenes are spread over threads; each one computes alone
  auto weights = sightline::ParseWeightChoice(argc > 6 ? argv[6] : "stored");
  auto device = sightline::Device::Open(argc > 7 ? argv[7] : "cpu");
  if (!weights.ok() || !device.ok()) {
    std::fprintf(stderr, "%s\n",
                 (weights.ok() ? device.status() : weights.status()).ToString().c_str());
    return 2;
  }
  sightline::EngineOptions engine_options;
  engine_options.weights = *weights;
  engine_options.device = *device;
  auto vision = sightline::VisionPipeline::Load(argv[1], {}, *device);
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
  if (argc > 8) {
    o.replies = argv[8];
    o.threads = 1;
  }
  auto report = sightline::EvalScenes(**vision, engine->get(), o, nullptr);
  if (!report.ok()) {
    std::fprintf(stderr, "%s\n", report.status().ToString().c_str());
    return 1;
  }
  std::printf("%s\n", report->c_str());
  return 0;
}
