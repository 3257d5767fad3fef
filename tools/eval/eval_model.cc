#include "tools/eval/eval_model.h"

#include <utility>

#include "compute/base/thread_pool.h"

namespace sightline {

StatusOr<EvalModel> EvalModel::Load(const EvalModelOptions& options) {
  EngineOptions engine_options;
  SL_ASSIGN_OR_RETURN(engine_options.weights, ParseWeightChoice(options.weights));
  SL_ASSIGN_OR_RETURN(engine_options.kv, ParseKvChoice(options.kv));
  SL_ASSIGN_OR_RETURN(engine_options.device, Device::Open(options.device));
  SetComputeThreads(1);
  EvalModel model;
  SL_ASSIGN_OR_RETURN(model.vision,
                      VisionPipeline::Load(options.folder, {}, engine_options.device));
  SL_ASSIGN_OR_RETURN(model.engine, Engine::Load(options.folder, engine_options));
  return model;
}

}  // namespace sightline
