#include "fusion/families/vl_model.h"

#include <algorithm>

namespace sightline {

StatusOr<std::unique_ptr<VlModel>> VlModel::Load(const std::string& directory,
                                                 WeightChoice choice) {
  std::unique_ptr<VlModel> m(new VlModel());
  SL_ASSIGN_OR_RETURN(m->spec_, ReadCheckpointSpec(directory));
  SL_ASSIGN_OR_RETURN(auto weights, Checkpoint::Open(directory));
  SL_RETURN_IF_ERROR(weights->Map(m->spec_.parts));
  SL_ASSIGN_OR_RETURN(m->decoder_, LoadDecoder(m->spec_, weights.get(), choice));
  if (m->spec_.load_vision) {
    SL_ASSIGN_OR_RETURN(m->vision_, m->spec_.load_vision(weights.get()));
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
  in.deepstack.assign(visuals.deepstack.size(), Tensor(in.x.shape));
  int64_t next = 0, width = in.x.cols();
  for (size_t t = 0; t < ids.size(); ++t) {
    if (std::find(spec_.place_ids.begin(), spec_.place_ids.end(), ids[t]) == spec_.place_ids.end())
      continue;
    if (next == visuals.rows.rows())
      return BadMedia("the prompt has more places than visual tokens");
    auto row = static_cast<int64_t>(t);
    std::copy_n(visuals.rows.row(next), width, in.x.row(row));
    for (size_t k = 0; k < in.deepstack.size(); ++k) {
      std::copy_n(visuals.deepstack[k].row(next), width, in.deepstack[k].row(row));
    }
    ++next;
  }
  if (next != visuals.rows.rows())
    return BadMedia("the prompt has fewer places than visual tokens");
  if (rows_out) *rows_out = std::move(visuals);
  return in;
}

}  // namespace sightline
