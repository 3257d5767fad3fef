// Memory, streams and the ops that a single launch computes.
#include "compute/cuda/cuda_backend.h"

#include <map>
#include <mutex>

#include "compute/cuda/kernels.h"
#include "compute/cuda/status.h"
#include "compute/cuda/uploads.h"

namespace sightline::cuda {
namespace {

class CudaEvent : public Event {
 public:
  explicit CudaEvent(cudaStream_t stream) {
    Check(cudaEventCreate(&event_), "cudaEventCreate");
    Check(cudaEventRecord(event_, stream), "cudaEventRecord");
  }
  ~CudaEvent() override { static_cast<void>(cudaEventDestroy(event_)); }
  void Wait() const override { Check(cudaEventSynchronize(event_), "cudaEventSynchronize"); }
  double MsSince(const Event& earlier) const override {
    float ms = 0;
    Check(cudaEventElapsedTime(&ms, static_cast<const CudaEvent&>(earlier).event_, event_),
          "cudaEventElapsedTime");
    return ms;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace

StatusOr<std::shared_ptr<Backend>> CudaOps::Open(int index) {
  int count = 0;
  cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess || index >= count) {
    static_cast<void>(cudaGetLastError());
    return ErrorWithReason(absl::StatusCode::kUnavailable, "DEVICE_NOT_FOUND",
                           "there is no GPU cuda:" + std::to_string(index) +
                               (error == cudaSuccess ? "" : " (") +
                               (error == cudaSuccess ? "" : cudaGetErrorString(error)) +
                               (error == cudaSuccess ? "" : ")"),
                           "device");
  }
  std::shared_ptr<CudaOps> ops(new CudaOps(index));
  SL_RETURN_IF_ERROR(ToStatus(cudaSetDevice(index), "cudaSetDevice"));
  SL_RETURN_IF_ERROR(ToStatus(cudaStreamCreateWithFlags(&ops->stream_, cudaStreamNonBlocking),
                              "cudaStreamCreateWithFlags"));
  SL_RETURN_IF_ERROR(ops->gemm_.Open(&ops->pool_));
  return std::shared_ptr<Backend>(std::move(ops));
}

CudaOps::~CudaOps() {
  if (!stream_) return;
  static_cast<void>(cudaSetDevice(index_));
  static_cast<void>(cudaStreamSynchronize(stream_));
  static_cast<void>(cudaStreamDestroy(stream_));
}

void CudaOps::Enter() const { Check(cudaSetDevice(index_), "cudaSetDevice"); }

void* CudaOps::Allocate(size_t bytes) {
  Enter();
  return pool_.Take(bytes);
}

void CudaOps::Release(void* p) { pool_.Give(p); }

void CudaOps::Zero(void* p, size_t bytes) {
  Enter();
  Check(cudaMemsetAsync(p, 0, bytes, stream_), "cudaMemsetAsync");
}

void CudaOps::FromHost(const void* host, size_t bytes, void* to) {
  Enter();
  Check(cudaMemcpyAsync(to, host, bytes, cudaMemcpyHostToDevice, stream_), "cudaMemcpyAsync");
  // The host's array may go or change when this returns.
  Check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
}

void CudaOps::ToHost(const void* from, size_t bytes, void* host) {
  Enter();
  Check(cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, stream_), "cudaMemcpyAsync");
  Check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
}

void CudaOps::CopyWithin(const void* from, size_t bytes, void* to) {
  Enter();
  Check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_), "cudaMemcpyAsync");
}

void CudaOps::Synchronize() {
  Enter();
  Check(cudaStreamSynchronize(stream_), "cudaStreamSynchronize");
}

std::unique_ptr<Event> CudaOps::Record() {
  Enter();
  return std::make_unique<CudaEvent>(stream_);
}

Status CudaOps::MatMul(const float* x, int64_t m, const Linear& layer, float* y) {
  if (m == 0) return absl::OkStatus();
  Enter();
  int64_t n = layer.w.shape[0], k = layer.w.cols();
  SL_RETURN_IF_ERROR(gemm_.Run(x, layer.w.address(), m, n, k, y, stream_));
  if (layer.bias.empty()) return absl::OkStatus();
  cuda::AddBias(layer.bias.address(), m, n, y, stream_);
  return Launched("MatMul");
}

Status CudaOps::LayerNorm(const float* x, int64_t rows, int64_t c, const NormView& n, float* y) {
  if (rows == 0) return absl::OkStatus();
  Enter();
  cuda::LayerNorm(x, rows, c, n.weight, n.bias, n.eps, y, stream_);
  return Launched("LayerNorm");
}

Status CudaOps::RmsNorm(const float* x, int64_t rows, int64_t c, const NormView& n, float* y) {
  if (rows == 0) return absl::OkStatus();
  Enter();
  cuda::RmsNorm(x, rows, c, n.weight, n.eps, y, stream_);
  return Launched("RmsNorm");
}

Status CudaOps::NormTogether(const float* x, int64_t rows, int64_t c, const NormView& n, float* y) {
  if (rows == 0) return absl::OkStatus();
  Enter();
  Uploads room(this);
  auto* moments = static_cast<double*>(room.Room(2 * sizeof(double)));
  cuda::NormTogether(x, rows, c, n.weight, n.bias, n.eps, moments, y, stream_);
  return Launched("NormTogether");
}

Status CudaOps::ColumnMoments(const float* x, int64_t rows, int64_t c, float* mean,
                              float* variance) {
  Enter();
  cuda::ColumnMoments(x, rows, c, mean, variance, stream_);
  return Launched("ColumnMoments");
}

Status CudaOps::Pointwise(PointOp op, float value, int64_t rows, int64_t c, float* x) {
  Enter();
  cuda::Pointwise(static_cast<int>(op), value, rows * c, x, stream_);
  return Launched("Pointwise");
}

Status CudaOps::Gate(GateOp op, const float* gate, const float* up, int64_t rows, int64_t c,
                     float* y) {
  Enter();
  cuda::Gate(static_cast<int>(op), gate, up, rows * c, y, stream_);
  return Launched("Gate");
}

Status CudaOps::AddRows(const float* y, const float* gain, int64_t rows, int64_t c, float* x) {
  Enter();
  cuda::AddRows(y, gain, rows, c, x, stream_);
  return Launched("AddRows");
}

Status CudaOps::Affine(const float* x, const float* scale, const float* shift, int64_t rows,
                       int64_t c, float* y) {
  Enter();
  cuda::Affine(x, scale, shift, rows, c, y, stream_);
  return Launched("Affine");
}

Status CudaOps::Rotate(const float* cosine, const float* sine, int64_t rows, int64_t stride,
                       int64_t heads, int64_t d, float* x) {
  Enter();
  cuda::Rotate(cosine, sine, rows, stride, heads, d, x, stream_);
  return Launched("Rotate");
}

}  // namespace sightline::cuda

namespace sightline {

// A GPU stays open while anything names it.
StatusOr<std::shared_ptr<Backend>> OpenCudaBackend(int index) {
  static std::mutex* const mu = new std::mutex;
  static auto* const open = new std::map<int, std::weak_ptr<Backend>>;
  std::lock_guard<std::mutex> lock(*mu);
  if (auto backend = (*open)[index].lock()) return backend;
  SL_ASSIGN_OR_RETURN(auto backend, cuda::CudaOps::Open(index));
  (*open)[index] = backend;
  return backend;
}

}  // namespace sightline
