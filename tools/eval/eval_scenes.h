// Measures a model on fresh scenes: pictures and questions of the world, answered by the engine.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "compute/base/status.h"
#include "tools/eval/eval_model.h"

namespace sightline {

std::string EvalSplits();  // their names, for people

struct EvalOptions {
  std::string split = "iid";  // of EvalSplits()
  uint64_t seed = 1;
  int count = 500;  // scenes, not questions
  int threads = 2;
  std::string examples;  // when set: file for the wrong answers
  std::string replies;   // when set: file for all replies, a line each: scene, question, reply
};

// INVALID_ARGUMENT for an unknown split, or a file that cannot be written. Creates the files: for
// callers that want to know before they load a model.
Status CheckEvalOptions(const EvalOptions& options);

// {"split": .., "seed": .., "scenes": .., "metrics": {name: {"value": .., "ci95": [lo, hi], "n":
// ..}}} as JSON text. `progress(done)` may be empty. Checks the options before anything else.
StatusOr<std::string> EvalScenes(const EvalModel& model, const EvalOptions& options,
                                 const std::function<void(int done)>& progress);

// That report as a table for people.
std::string SummariseReport(const std::string& report);

}  // namespace sightline
