#include "compute/cpu/cpu_backend.h"

#include <chrono>
#include <cstring>
#include <new>

#include "compute/base/thread_pool.h"

namespace sightline {
namespace {

class HostEvent : public Event {
 public:
  void Wait() const override {}
  double MsSince(const Event& earlier) const override {
    return std::chrono::duration<double, std::milli>(at_ -
                                                     static_cast<const HostEvent&>(earlier).at_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point at_ = std::chrono::steady_clock::now();
};

}  // namespace

Backend& CpuBackend() {
  static CpuOps* const backend = new CpuOps;
  return *backend;
}

void* CpuOps::Allocate(size_t bytes) { return ::operator new(bytes); }
void CpuOps::Release(void* p) { ::operator delete(p); }
void CpuOps::Zero(void* p, size_t bytes) { std::memset(p, 0, bytes); }
void CpuOps::FromHost(const void* host, size_t bytes, void* to) { std::memcpy(to, host, bytes); }
void CpuOps::ToHost(const void* from, size_t bytes, void* host) { std::memcpy(host, from, bytes); }
void CpuOps::CopyWithin(const void* from, size_t bytes, void* to) { std::memcpy(to, from, bytes); }
std::unique_ptr<Event> CpuOps::Record() { return std::make_unique<HostEvent>(); }

Status CpuOps::MatMul(const float* x, int64_t m, const Linear& layer, float* y) {
  sightline::MatMul(x, m, layer, y);
  return absl::OkStatus();
}

Status CpuOps::LayerNorm(const float* x, int64_t rows, int64_t c, const NormView& n, float* y) {
  sightline::LayerNorm(x, rows, c, n.weight, n.bias, n.eps, y);
  return absl::OkStatus();
}

Status CpuOps::RmsNorm(const float* x, int64_t rows, int64_t c, const NormView& n, float* y) {
  ParallelFor(rows, 16, [&](int64_t b, int64_t e) {
    sightline::RmsNorm(x + b * c, e - b, c, n.weight, n.eps, y + b * c);
  });
  return absl::OkStatus();
}

// The lists are read where they are.
StatusOr<std::shared_ptr<const void>> CpuOps::PlanAttention(const BlockList&, const BiasPlaces*) {
  return std::shared_ptr<const void>();
}

Status CpuOps::Attend(const AttentionPlan&, const AttentionArgs& args) {
  sightline::Attend(args);
  return absl::OkStatus();
}

}  // namespace sightline
