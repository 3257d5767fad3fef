// Rows moved about, and windows over maps.
#include "compute/cuda/cuda_backend.h"
#include "compute/cuda/kernels.h"
#include "compute/cuda/status.h"
#include "compute/cuda/uploads.h"

namespace sightline::cuda {
namespace {

Window WindowOf(const MapView& x, const ConvSteps& s) {
  return {x.h,      x.w,      x.c,      OutSide(x.h, s), OutSide(x.w, s), 0,
          s.kernel, s.kernel, s.stride, s.stride,        s.padding};
}

}  // namespace

Status CudaOps::CopyBlock(const Block2d& b, int64_t to_stride, float* to) {
  Enter();
  cuda::CopyBlock(b.from, b.from_stride, b.rows, b.cols, to_stride, to, stream_);
  return Launched("CopyBlock");
}

Status CudaOps::GatherRows(const float* x, int64_t c, const std::vector<int32_t>& rows, float* y) {
  if (rows.empty()) return absl::OkStatus();
  Enter();
  Uploads uploads(this);
  cuda::GatherRows(x, c, uploads.Put(rows), static_cast<int64_t>(rows.size()), y, stream_);
  return Launched("GatherRows");
}

Status CudaOps::ScatterRows(const float* from, int64_t c, const std::vector<int32_t>& rows,
                            float* y) {
  if (rows.empty()) return absl::OkStatus();
  Enter();
  Uploads uploads(this);
  cuda::ScatterRows(from, c, uploads.Put(rows), static_cast<int64_t>(rows.size()), y, stream_);
  return Launched("ScatterRows");
}

Status CudaOps::MixRows(const float* x, int64_t c, int64_t k, const std::vector<int32_t>& rows,
                        const std::vector<float>& weights, float* y) {
  if (rows.empty()) return absl::OkStatus();
  Enter();
  Uploads uploads(this);
  auto n = static_cast<int64_t>(rows.size()) / k;
  cuda::MixRows(x, c, k, uploads.Put(rows), uploads.Put(weights), n, y, stream_);
  return Launched("MixRows");
}

Status CudaOps::Transpose(const float* x, int64_t rows, int64_t cols, float* y) {
  Enter();
  cuda::Transpose(x, rows, cols, y, stream_);
  return Launched("Transpose");
}

Status CudaOps::Patches(const MapView& x, const ConvSteps& steps, int64_t first, int64_t count,
                        float* y) {
  Enter();
  Window window = WindowOf(x, steps);
  window.first = first;
  window.oh = count;
  cuda::Patches(x.data, window, y, stream_);
  return Launched("Patches");
}

Status CudaOps::Depthwise(const MapView& x, const ConvSteps& steps, const float* taps,
                          const float* bias, float* y) {
  Enter();
  cuda::Depthwise(x.data, WindowOf(x, steps), taps, bias, y, stream_);
  return Launched("Depthwise");
}

Status CudaOps::AveragePool(const MapView& x, const PoolSteps& p, float* y) {
  Enter();
  Window window{
      x.h,      x.w,      x.c, (x.h - p.h) / p.step_h + 1, (x.w - p.w) / p.step_w + 1, 0, p.h, p.w,
      p.step_h, p.step_w, 0};
  cuda::AveragePool(x.data, window, y, stream_);
  return Launched("AveragePool");
}

}  // namespace sightline::cuda
