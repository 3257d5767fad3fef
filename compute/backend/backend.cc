#include "compute/backend/backend.h"

#include <cstdio>
#include <cstdlib>

namespace sightline {

void MustRun(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "an op failed: %s\n", std::string(status.message()).c_str());
  std::abort();
}

#define SL_ABSENT(op)                                                            \
  return ErrorWithReason(absl::StatusCode::kUnimplemented, "OP_NOT_IMPLEMENTED", \
                         std::string(#op) + ": the backend " + name() + " does not have it")

Status Backend::MatMul(const float*, int64_t, const Linear&, float*) { SL_ABSENT(MatMul); }
Status Backend::LayerNorm(const float*, int64_t, int64_t, const NormView&, float*) {
  SL_ABSENT(LayerNorm);
}
Status Backend::RmsNorm(const float*, int64_t, int64_t, const NormView&, float*) {
  SL_ABSENT(RmsNorm);
}
Status Backend::NormTogether(const float*, int64_t, int64_t, const NormView&, float*) {
  SL_ABSENT(NormTogether);
}
Status Backend::ColumnMoments(const float*, int64_t, int64_t, float*, float*) {
  SL_ABSENT(ColumnMoments);
}
Status Backend::Pointwise(PointOp, float, int64_t, int64_t, float*) { SL_ABSENT(Pointwise); }
Status Backend::Gate(GateOp, const float*, const float*, int64_t, int64_t, float*) {
  SL_ABSENT(Gate);
}
Status Backend::AddRows(const float*, const float*, int64_t, int64_t, float*) {
  SL_ABSENT(AddRows);
}
Status Backend::Affine(const float*, const float*, const float*, int64_t, int64_t, float*) {
  SL_ABSENT(Affine);
}
Status Backend::Rotate(const float*, const float*, int64_t, int64_t, int64_t, int64_t, float*) {
  SL_ABSENT(Rotate);
}
Status Backend::CopyBlock(const Block2d&, int64_t, float*) { SL_ABSENT(CopyBlock); }
Status Backend::GatherRows(const float*, int64_t, const std::vector<int32_t>&, float*) {
  SL_ABSENT(GatherRows);
}
Status Backend::ScatterRows(const float*, int64_t, const std::vector<int32_t>&, float*) {
  SL_ABSENT(ScatterRows);
}
Status Backend::MixRows(const float*, int64_t, int64_t, const std::vector<int32_t>&,
                        const std::vector<float>&, float*) {
  SL_ABSENT(MixRows);
}
Status Backend::Transpose(const float*, int64_t, int64_t, float*) { SL_ABSENT(Transpose); }
Status Backend::Patches(const MapView&, const ConvSteps&, int64_t, int64_t, float*) {
  SL_ABSENT(Patches);
}
Status Backend::Depthwise(const MapView&, const ConvSteps&, const float*, const float*, float*) {
  SL_ABSENT(Depthwise);
}
Status Backend::AveragePool(const MapView&, const PoolSteps&, float*) { SL_ABSENT(AveragePool); }
StatusOr<std::shared_ptr<const void>> Backend::PlanAttention(const BlockList&, const BiasPlaces*) {
  SL_ABSENT(PlanAttention);
}
Status Backend::Attend(const AttentionPlan&, const AttentionArgs&) { SL_ABSENT(Attend); }

#undef SL_ABSENT

}  // namespace sightline
