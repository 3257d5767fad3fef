// The CPU backend: plain loops, vectorised by the compiler or through Highway, split over the
// thread pool. The reference that other backends are held to.
#pragma once

#include "compute/backend/backend.h"

namespace sightline {

class CpuOps : public Backend {
 public:
  std::string name() const override { return "cpu"; }

  void* Allocate(size_t bytes) override;
  void Release(void* p) override;
  void Zero(void* p, size_t bytes) override;
  void FromHost(const void* host, size_t bytes, void* to) override;
  void ToHost(const void* from, size_t bytes, void* host) override;
  void CopyWithin(const void* from, size_t bytes, void* to) override;
  void Synchronize() override {}
  std::unique_ptr<Event> Record() override;

  Status MatMul(const float* x, int64_t m, const Linear& layer, float* y) override;
  Status LayerNorm(const float* x, int64_t rows, int64_t c, const NormView& norm,
                   float* y) override;
  Status RmsNorm(const float* x, int64_t rows, int64_t c, const NormView& norm, float* y) override;
  Status NormTogether(const float* x, int64_t rows, int64_t c, const NormView& norm,
                      float* y) override;
  Status ColumnMoments(const float* x, int64_t rows, int64_t c, float* mean,
                       float* variance) override;
  Status Pointwise(PointOp op, float value, int64_t rows, int64_t c, float* x) override;
  Status Gate(GateOp op, const float* gate, const float* up, int64_t rows, int64_t c,
              float* y) override;
  Status AddRows(const float* y, const float* gain, int64_t rows, int64_t c, float* x) override;
  Status Affine(const float* x, const float* scale, const float* shift, int64_t rows, int64_t c,
                float* y) override;
  Status Rotate(const float* cosine, const float* sine, int64_t rows, int64_t stride, int64_t heads,
                int64_t d, float* x) override;
  Status CopyBlock(const Block2d& from, int64_t to_stride, float* to) override;
  Status GatherRows(const float* x, int64_t c, const std::vector<int32_t>& rows, float* y) override;
  Status ScatterRows(const float* from, int64_t c, const std::vector<int32_t>& rows,
                     float* y) override;
  Status MixRows(const float* x, int64_t c, int64_t k, const std::vector<int32_t>& rows,
                 const std::vector<float>& weights, float* y) override;
  Status Transpose(const float* x, int64_t rows, int64_t cols, float* y) override;
  Status Patches(const MapView& x, const ConvSteps& steps, int64_t first, int64_t count,
                 float* y) override;
  Status Depthwise(const MapView& x, const ConvSteps& steps, const float* taps, const float* bias,
                   float* y) override;
  Status AveragePool(const MapView& x, const PoolSteps& steps, float* y) override;
  StatusOr<std::shared_ptr<const void>> PlanAttention(const BlockList& lists,
                                                      const BiasPlaces* places) override;
  Status Attend(const AttentionPlan& plan, const AttentionArgs& args) override;
};

Backend& CpuBackend();  // lives as long as the process

}  // namespace sightline
