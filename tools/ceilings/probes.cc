#include "tools/ceilings/probes.h"

#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "compute/cpu/amx.h"
#include "tools/ceilings/machine.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tools/ceilings/probes.cc"
#include <hwy/foreach_target.h>
// After foreach_target.
#include <hwy/cache_control.h>

#include "compute/cpu/simd_dot-inl.h"

HWY_BEFORE_NAMESPACE();
namespace sightline::HWY_NAMESPACE {

uint64_t ReadPass(const uint8_t* p, int64_t bytes) {
  const hn::CappedTag<uint64_t, 8> d;
  auto a = hn::Zero(d), b = hn::Zero(d);
  const int64_t step = static_cast<int64_t>(hn::MaxLanes(d)) * 8;
  for (int64_t i = 0; i < bytes; i += 128) {
    hwy::Prefetch(p + i + 2048);
    hwy::Prefetch(p + i + 2112);
    for (int64_t j = 0; j < 128; j += 2 * step) {
      a = hn::Xor(a, hn::Load(d, reinterpret_cast<const uint64_t*>(p + i + j)));
      b = hn::Xor(b, hn::Load(d, reinterpret_cast<const uint64_t*>(p + i + j + step)));
    }
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Xor(a, b)));
}

// Ten chains of products; returns a sum so that nothing is left out. Operations: 10 * 8 * kLanes a
// turn.
template <class D>
int64_t Chains(int64_t turns) {
  const DI di;
  VI seed = hn::Iota(di, 0x01010101);
  typename D::Weight w = D::Prepare(hn::And(seed, hn::Set(di, 0x0F0F0F0F)));
  typename D::Sum s[10];
  typename D::Code some[4] = {1, 2, 3, 4};
  auto quad = D::Load(some);
  // A loop that is not unrolled would keep the sums in memory.
  HWY_UNROLL(10)
  for (int c = 0; c < 10; ++c) s[c] = D::Start(hn::Zero(di));
  for (int64_t i = 0; i < turns; ++i) {
    HWY_UNROLL(10)
    for (int c = 0; c < 10; ++c) {
#if HWY_COMPILER_GCC || HWY_COMPILER_CLANG
      asm volatile("" : "+v"(w.codes.raw));  // each product is made, none is hoisted
#endif
      D::Add(s[c], w, quad);
    }
  }
  VI total = hn::Zero(di);
  HWY_UNROLL(10)
  for (int c = 0; c < 10; ++c) total = hn::Add(total, D::Finish(s[c], hn::Zero(di)));
  return hn::GetLane(hn::SumOfLanes(di, total));
}

int64_t ChainLanes() { return kLanes; }
int64_t ByteChains(int64_t turns) {
  return Chains<Dot<6>>(turns);
}  // byte dot, or maddubs + madd + add
int64_t NibbleChains(int64_t turns) { return Chains<Dot<4>>(turns); }

// Twelve chains of float32 multiply-adds. Operations: 24 * kLanes a turn.
int64_t FloatChains(int64_t turns) {
  const DF d;
  VF s[12], w = hn::Set(d, 0.5f), x = hn::Set(d, 1.0f);
  HWY_UNROLL(12)
  for (int c = 0; c < 12; ++c) s[c] = hn::Zero(d);
  for (int64_t i = 0; i < turns; ++i) {
    HWY_UNROLL(12)
    for (int c = 0; c < 12; ++c) {
      s[c] = hn::MulAdd(s[c], w, x);
#if HWY_COMPILER_GCC || HWY_COMPILER_CLANG
      asm volatile("" : "+v"(s[c].raw));
#endif
    }
  }
  VF total = hn::Zero(d);
  HWY_UNROLL(12)
  for (int c = 0; c < 12; ++c) total = hn::Add(total, s[c]);
  return static_cast<int64_t>(hn::GetLane(hn::SumOfLanes(d, total)));
}

}  // namespace sightline::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sightline {
HWY_EXPORT(ReadPass);
HWY_EXPORT(ChainLanes);
HWY_EXPORT(ByteChains);
HWY_EXPORT(NibbleChains);
HWY_EXPORT(FloatChains);
uint64_t DispatchRead(const uint8_t* p, int64_t n) { return HWY_DYNAMIC_DISPATCH(ReadPass)(p, n); }
int64_t DispatchByte(int64_t turns) { return HWY_DYNAMIC_DISPATCH(ByteChains)(turns); }
int64_t DispatchNibble(int64_t turns) { return HWY_DYNAMIC_DISPATCH(NibbleChains)(turns); }
int64_t DispatchFloat(int64_t turns) { return HWY_DYNAMIC_DISPATCH(FloatChains)(turns); }
int64_t DispatchLanes() { return HWY_DYNAMIC_DISPATCH(ChainLanes)(); }

namespace bench {
namespace {

// Seconds that `fn(thread)` takes on all compute threads at once.
template <class Fn>
double OnAllThreads(const Fn& fn) {
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  int count = ComputeThreads();
  auto run = [&](int t) {
    ++ready;
    while (ready < count) {
    }
    fn(t);
  };
  for (int t = 1; t < count; ++t) threads.emplace_back(run, t);
  while (ready < count - 1) {
  }
  double from = NowMs();
  run(0);
  for (auto& t : threads) t.join();
  return (NowMs() - from) / 1e3;
}

double Peak(int64_t (*chains)(int64_t), int64_t lane_operations) {
  constexpr int64_t kTurns = 4000000;
  std::atomic<int64_t> total{0};
  double s = OnAllThreads([&](int) { total += chains(kTurns); });
  SL_CHECK(total != 1);
  return static_cast<double>(kTurns * lane_operations * DispatchLanes() * ComputeThreads()) / s;
}

}  // namespace

bool LimitIsa(const std::string& name) {
  if (name.empty()) return true;
  if (name != "avx2" && name != "avx512" && name != "vnni") return false;
  AllowAmx(false);
  // DisableTargets would be undone by the next look at the supported ones.
  int64_t without = name == "avx2" ? HWY_AVX3 | HWY_AVX3_DL : name == "avx512" ? HWY_AVX3_DL : 0;
  int64_t allowed = hwy::SupportedTargets() & ~without;
  hwy::SetSupportedTargetsForTest(allowed);
  hwy::GetChosenTarget().Update(allowed);
  auto isa = name == "avx2"     ? dnnl_cpu_isa_avx2
             : name == "avx512" ? dnnl_cpu_isa_avx512_core
                                : dnnl_cpu_isa_avx512_core_vnni;
  return dnnl_set_max_cpu_isa(isa) == dnnl_success;
}

std::string IsaName() {
  int64_t best = hwy::SupportedTargets();
  std::string name = hwy::TargetName(best & -best);  // the lowest bit is the best target
  return HasAmx() ? name + " with AMX" : name;
}

double ReadRate(const uint8_t* data, int64_t bytes) {
  int threads = ComputeThreads();
  int64_t part = bytes / threads / 4096 * 4096;
  std::atomic<uint64_t> total{0};
  double s = OnAllThreads([&](int t) { total += DispatchRead(data + t * part, part); });
  SL_CHECK(total != 1);
  return static_cast<double>(part * threads) / s;
}

double FloatPeak() { return Peak(DispatchFloat, 12 * 2); }
double Int8Peak() { return Peak(DispatchByte, 10 * 8); }
double Int4Peak() { return Peak(DispatchNibble, 10 * 8); }

double OneDnnSeconds(int64_t m, std::span<const std::pair<int64_t, int64_t>> matrices) {
  static std::vector<uint8_t> a;
  static std::vector<int8_t> b;
  static std::vector<int32_t> c;
  auto product = [&](int64_t n, int64_t k) {
    a.resize(std::max(a.size(), static_cast<size_t>(m * k)), 3);
    b.resize(std::max(b.size(), static_cast<size_t>(n * k)), -2);
    c.resize(std::max(c.size(), static_cast<size_t>(m * n)));
    int32_t zero = 0;
    double from = NowMs();
    SL_CHECK(dnnl_gemm_u8s8s32('N', 'T', 'F', m, n, k, 1, a.data(), k, 0, b.data(), k, 0, 0,
                               c.data(), n, &zero) == dnnl_success);
    double ms = NowMs() - from;
    SL_CHECK(c[0] == -6 * k);
    return ms;
  };
  double ms = 0;
  if (!matrices.empty()) product(matrices[0].first, matrices[0].second);  // wakes its threads
  for (auto [n, k] : matrices) ms += product(n, k);
  // They go on spinning for a moment: 12 ms where a pause takes 140 cycles.
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  return ms / 1e3;
}

}  // namespace bench
}  // namespace sightline
#endif
