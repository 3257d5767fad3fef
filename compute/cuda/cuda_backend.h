// The CUDA backend: one stream, one pool and one cuBLASLt handle a GPU. Correct before fast.
#pragma once

#include <cuda_runtime.h>

#include "compute/backend/backend.h"
#include "compute/cuda/gemm.h"
#include "compute/cuda/memory.h"

namespace sightline::cuda {

class CudaOps : public Backend {
 public:
  // UNAVAILABLE when the machine has no such GPU or no driver that fits.
  static StatusOr<std::shared_ptr<Backend>> Open(int index);
  ~CudaOps() override;
  std::string name() const override { return "cuda:" + std::to_string(index_); }

  void* Allocate(size_t bytes) override;
  void Release(void* p) override;
  void Zero(void* p, size_t bytes) override;
  void FromHost(const void* host, size_t bytes, void* to) override;
  void ToHost(const void* from, size_t bytes, void* host) override;
  void CopyWithin(const void* from, size_t bytes, void* to) override;
  void Synchronize() override;
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

 private:
  explicit CudaOps(int index) : index_(index), pool_(index) {}
  void Enter() const;  // this thread's calls go to this GPU

  int index_;
  cudaStream_t stream_ = nullptr;
  MemoryPool pool_;
  Gemm gemm_;
};

}  // namespace sightline::cuda
