#include "fusion/families/vl_model.h"

#include <algorithm>

#include "compute/ops/shape_ops.h"

namespace sightline {

StatusOr<std::unique_ptr<VlModel>> VlModel::Load(const std::string& directory, const Device& device,
                                                 WeightChoice choice) {
  std::unique_ptr<VlModel> m(new VlModel());
  SL_ASSIGN_OR_RETURN(m->spec_, ReadCheckpointSpec(directory));
  SL_ASSIGN_OR_RETURN(auto weights, Checkpoint::Open(directory, device));
  SL_RETURN_IF_ERROR(weights->Map(m->spec_.parts));
  SL_ASSIGN_OR_RETURN(m->decoder_, LoadDecoder(m->spec_, weights.get(), choice));
  if (m->spec_.load_vision) {
    SL_ASSIGN_OR_RETURN(m->vision_, m->spec_.load_vision(weights.get(), TowerWeights(choice)));
  }
  SL_RETURN_IF_ERROR(weights->CheckAllRead(m->spec_.unused));
  return m;
}

StatusOr<language::StepInput> VlModel::Prompt(const std::vector<int32_t>& ids,
                                              const VisualInput* visual,
                                              VisualRows* rows_out) const {
  for (int32_t id : ids) {
    if (id < 0 || id >= spec_.text.vocab)
      return BadMedia("the prompt has a token that the model does not know");
  }
  language::StepInput in;
  in.x = decoder_->Embed(ids);
  if (!visual) return in;
  if (!vision_) return BadMedia("this model reads text alone");
  SL_ASSIGN_OR_RETURN(VisualRows visuals, vision_->Encode(*visual));
  SL_ASSIGN_OR_RETURN(in.positions, vision_->Positions(ids, *visual));
  std::vector<int32_t> places;
  for (size_t t = 0; t < ids.size(); ++t) {
    if (std::find(spec_.place_ids.begin(), spec_.place_ids.end(), ids[t]) != spec_.place_ids.end())
      places.push_back(static_cast<int32_t>(t));
  }
  auto count = static_cast<int64_t>(places.size());
  if (count > visuals.rows.rows()) return BadMedia("the prompt has more places than visual tokens");
  if (count < visuals.rows.rows())
    return BadMedia("the prompt has fewer places than visual tokens");
  ScatterRows(visuals.rows, places, &in.x);
  for (const Tensor& level : visuals.deepstack) {
    in.deepstack.emplace_back(in.x.shape, in.x.device());
    ScatterRows(level, places, &in.deepstack.back());
  }
  if (rows_out) *rows_out = std::move(visuals);
  return in;
}

}  // namespace sightline
