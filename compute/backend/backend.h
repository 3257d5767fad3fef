// What a kind of device can do: memory, and one function an op. An op that a backend does not have
// says UNIMPLEMENTED with its name (docs/add_a_backend.md).
//
// Pointers to float lie on the device, indices and plans on the host. Letters as in ops.h; rows
// are contiguous unless a stride is given. Ops of one backend run in the order of the calls and
// never keep a host pointer after they return. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "compute/attention/attention_plan.h"
#include "compute/device/stream.h"
#include "compute/ops/conv_ops.h"
#include "compute/ops/pointwise.h"

namespace sightline {

// A block of rows inside wider ones.
struct Block2d {
  const float* from = nullptr;
  int64_t from_stride = 0, rows = 0, cols = 0;
};

// Maps [H, W, C].
struct MapView {
  const float* data = nullptr;
  int64_t h = 0, w = 0, c = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;  // "cpu", "cuda:0"

  // Memory. std::bad_alloc when there is none, as host code has it.
  virtual void* Allocate(size_t bytes) = 0;
  virtual void Release(void* p) = 0;
  virtual void Zero(void* p, size_t bytes) = 0;
  virtual void FromHost(const void* host, size_t bytes, void* to) = 0;
  virtual void ToHost(const void* from, size_t bytes, void* host) = 0;  // waits for it
  virtual void CopyWithin(const void* from, size_t bytes, void* to) = 0;
  virtual void Synchronize() = 0;
  virtual std::unique_ptr<Event> Record() = 0;

  // y [M, N] = x [M, K] w^T + bias.
  virtual Status MatMul(const float* x, int64_t m, const Linear& layer, float* y);

  // Over each row of [rows, C], or over all rows together.
  virtual Status LayerNorm(const float* x, int64_t rows, int64_t c, const NormView& norm, float* y);
  virtual Status RmsNorm(const float* x, int64_t rows, int64_t c, const NormView& norm, float* y);
  virtual Status NormTogether(const float* x, int64_t rows, int64_t c, const NormView& norm,
                              float* y);
  // Mean and variance [C] of the columns of [rows, C]; variance may be null.
  virtual Status ColumnMoments(const float* x, int64_t rows, int64_t c, float* mean,
                               float* variance);

  // Elements of [rows, C], in place where y may be an input; a row's result does not depend on the
  // others.
  virtual Status Pointwise(PointOp op, float value, int64_t rows, int64_t c, float* x);
  virtual Status Gate(GateOp op, const float* gate, const float* up, int64_t rows, int64_t c,
                      float* y);
  // x += y, times gain [C] by column where it is given.
  virtual Status AddRows(const float* y, const float* gain, int64_t rows, int64_t c, float* x);
  // y = scale x + shift by column [C]; shift may be null.
  virtual Status Affine(const float* x, const float* scale, const float* shift, int64_t rows,
                        int64_t c, float* y);
  // Turns pairs (i, i + D/2) of the first `heads` heads of each row, `stride` floats apart, by
  // angles of cosine and sine [rows, D/2].
  virtual Status Rotate(const float* cosine, const float* sine, int64_t rows, int64_t stride,
                        int64_t heads, int64_t d, float* x);

  // Rows moved about.
  virtual Status CopyBlock(const Block2d& from, int64_t to_stride, float* to);
  virtual Status GatherRows(const float* x, int64_t c, const std::vector<int32_t>& rows, float* y);
  virtual Status ScatterRows(const float* from, int64_t c, const std::vector<int32_t>& rows,
                             float* y);
  // y[i] = sum over j < k of weights[i * k + j] x[rows[i * k + j]].
  virtual Status MixRows(const float* x, int64_t c, int64_t k, const std::vector<int32_t>& rows,
                         const std::vector<float>& weights, float* y);
  virtual Status Transpose(const float* x, int64_t rows, int64_t cols, float* y);

  // Patches of output rows [first, first + count) of a convolution: [count * W', k * k * C], taps
  // outermost, zeros outside the map.
  virtual Status Patches(const MapView& x, const ConvSteps& steps, int64_t first, int64_t count,
                         float* y);
  // Each channel by its own taps [k * k, C]; bias [C] or null.
  virtual Status Depthwise(const MapView& x, const ConvSteps& steps, const float* taps,
                           const float* bias, float* y);
  virtual Status AveragePool(const MapView& x, const PoolSteps& steps, float* y);

  // The attention kernel: what a plan needs on the device, once; then any number of runs.
  virtual StatusOr<std::shared_ptr<const void>> PlanAttention(const BlockList& lists,
                                                              const BiasPlaces* places);
  virtual Status Attend(const AttentionPlan& plan, const AttentionArgs& args);
};

// Ends the process unless `status` is OK: ops of whole tensors have no caller who could do better.
void MustRun(const Status& status);

}  // namespace sightline
