// scenes_eval MODEL SPLIT SEED COUNT [WRONG_ANSWERS_FILE|- [WEIGHTS [DEVICE REPLIES_FILE]]]: the
// evaluation without the server's command line. With a device and a file for its replies it runs a
// scene at a time, so that the files of two devices can be compared line by line.
#include <cstdio>
#include <cstdlib>

#include "compute/cpu/heap.h"
#include "tools/eval/eval_scenes.h"

namespace {

sightline::StatusOr<std::string> Run(const sightline::EvalModelOptions& model_options,
                                     const sightline::EvalOptions& options) {
  SL_RETURN_IF_ERROR(sightline::CheckEvalOptions(options));
  SL_ASSIGN_OR_RETURN(auto model, sightline::EvalModel::Load(model_options));
  return sightline::EvalScenes(model, options, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  sightline::KeepTensorsInHeap();
  if (argc < 5) {
    std::fprintf(stderr,
                 "usage: scenes_eval MODEL SPLIT SEED COUNT [WRONG_ANSWERS_FILE|- [WEIGHTS [DEVICE "
                 "REPLIES_FILE]]]\n");
    return 2;
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
  sightline::EvalModelOptions model_options;
  model_options.folder = argv[1];
  if (argc > 6) model_options.weights = argv[6];
  if (argc > 7) model_options.device = argv[7];
  auto report = Run(model_options, o);
  if (!report.ok()) {
    std::fprintf(stderr, "%s\n", report.status().ToString().c_str());
    return absl::IsInvalidArgument(report.status()) ? 2 : 1;
  }
  std::printf("%s\n", report->c_str());
  return 0;
}
