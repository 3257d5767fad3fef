#include "compute/cuda/gemm.h"

#include <algorithm>

namespace sightline::cuda {
namespace {

constexpr size_t kWorkspaceBytes = size_t{32} << 20;

// Descriptors of one product, destroyed with it. cuBLAS counts by columns: what is stored as
// rows [M, K] it sees as columns [K, M].
class Product {
 public:
  ~Product() {
    if (preference_) static_cast<void>(cublasLtMatmulPreferenceDestroy(preference_));
    for (cublasLtMatrixLayout_t layout : {a_, b_, c_}) {
      if (layout) static_cast<void>(cublasLtMatrixLayoutDestroy(layout));
    }
    if (operation_) static_cast<void>(cublasLtMatmulDescDestroy(operation_));
  }

  Status Describe(int64_t m, int64_t n, int64_t k) {
    SL_RETURN_IF_ERROR(
        ToStatus(cublasLtMatmulDescCreate(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F),
                 "cublasLtMatmulDescCreate"));
    cublasOperation_t transposed = CUBLAS_OP_T;
    SL_RETURN_IF_ERROR(
        ToStatus(cublasLtMatmulDescSetAttribute(operation_, CUBLASLT_MATMUL_DESC_TRANSA,
                                                &transposed, sizeof(transposed)),
                 "cublasLtMatmulDescSetAttribute"));
    SL_RETURN_IF_ERROR(Layout(k, n, &a_));
    SL_RETURN_IF_ERROR(Layout(k, m, &b_));
    SL_RETURN_IF_ERROR(Layout(n, m, &c_));
    SL_RETURN_IF_ERROR(
        ToStatus(cublasLtMatmulPreferenceCreate(&preference_), "cublasLtMatmulPreferenceCreate"));
    return Prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspaceBytes);
  }

  // The algorithm may only count on the alignment that the pointers have.
  Status Align(const float* w, const float* x, const float* y) {
    SL_RETURN_IF_ERROR(Prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, AlignmentOf(w)));
    SL_RETURN_IF_ERROR(Prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, AlignmentOf(x)));
    SL_RETURN_IF_ERROR(Prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, AlignmentOf(y)));
    return Prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, AlignmentOf(y));
  }

  Status Run(cublasLtHandle_t handle, const float* x, const float* w, float* y, void* workspace,
             cudaStream_t stream) {
    cublasLtMatmulHeuristicResult_t found;
    int count = 0;
    SL_RETURN_IF_ERROR(ToStatus(cublasLtMatmulAlgoGetHeuristic(handle, operation_, a_, b_, c_, c_,
                                                               preference_, 1, &found, &count),
                                "cublasLtMatmulAlgoGetHeuristic"));
    if (count == 0) return absl::InternalError("cublasLtMatmulAlgoGetHeuristic: no algorithm");
    const float one = 1, zero = 0;
    return ToStatus(cublasLtMatmul(handle, operation_, &one, w, a_, x, b_, &zero, y, c_, y, c_,
                                   &found.algo, workspace, kWorkspaceBytes, stream),
                    "cublasLtMatmul");
  }

 private:
  static Status Layout(int64_t rows, int64_t cols, cublasLtMatrixLayout_t* layout) {
    return ToStatus(cublasLtMatrixLayoutCreate(layout, CUDA_R_32F, static_cast<uint64_t>(rows),
                                               static_cast<uint64_t>(cols), rows),
                    "cublasLtMatrixLayoutCreate");
  }
  template <typename T>
  Status Prefer(cublasLtMatmulPreferenceAttributes_t what, T value) {
    return ToStatus(cublasLtMatmulPreferenceSetAttribute(preference_, what, &value, sizeof(value)),
                    "cublasLtMatmulPreferenceSetAttribute");
  }
  static uint32_t AlignmentOf(const float* p) {
    auto at = reinterpret_cast<uintptr_t>(p);
    return static_cast<uint32_t>(std::min<uintptr_t>(256, at & ~(at - 1)));
  }

  cublasLtMatmulDesc_t operation_ = nullptr;
  cublasLtMatrixLayout_t a_ = nullptr, b_ = nullptr, c_ = nullptr;
  cublasLtMatmulPreference_t preference_ = nullptr;
};

}  // namespace

Gemm::~Gemm() {
  if (handle_) static_cast<void>(cublasLtDestroy(handle_));
  if (workspace_) pool_->Give(workspace_);
}

Status Gemm::Open(MemoryPool* pool) {
  pool_ = pool;
  SL_RETURN_IF_ERROR(ToStatus(cublasLtCreate(&handle_), "cublasLtCreate"));
  workspace_ = pool->Take(kWorkspaceBytes);
  return absl::OkStatus();
}

Status Gemm::Run(const float* x, const float* w, int64_t m, int64_t n, int64_t k, float* y,
                 cudaStream_t stream) {
  std::lock_guard<std::mutex> lock(mu_);  // the workspace is one
  Product product;
  SL_RETURN_IF_ERROR(product.Describe(m, n, k));
  SL_RETURN_IF_ERROR(product.Align(w, x, y));
  return product.Run(handle_, x, w, y, workspace_, stream);
}

}  // namespace sightline::cuda
