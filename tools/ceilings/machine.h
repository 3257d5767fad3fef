// What this machine can do at best, measured now: the floors that benchmarks are held against.
#pragma once

#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "compute/base/check.h"
#include "compute/base/thread_pool.h"

namespace sightline::bench {

inline double NowMs() {
  using std::chrono::duration, std::chrono::steady_clock;
  return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

inline double Median(std::vector<double> v) {
  SL_CHECK(!v.empty());
  std::sort(v.begin(), v.end());
  size_t n = v.size();
  return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

// Fastest of several float32 products of 1024^3, in operations a second.
inline double GemmPeak() {
  constexpr int64_t kN = 1024;
  std::vector<float> a(kN * kN, 0.5f), b(kN * kN, 0.25f), c(kN * kN);
  double best = 0;
  for (int i = 0; i < 12; ++i) {
    double from = NowMs();
    SL_CHECK(dnnl_sgemm('N', 'T', kN, kN, kN, 1, a.data(), kN, b.data(), kN, 0, c.data(), kN) ==
             dnnl_success);
    best = std::max(best, 2e3 * kN * kN * kN / (NowMs() - from));
  }
  SL_CHECK(c[kN + 1] == 0.125f * kN);
  return best;
}

// Fastest of several passes over `bytes` by all compute threads, in bytes a second. A buffer that
// fits a cache shows the cache's rate, as weights of that size would.
inline double ReadBandwidth(int64_t bytes) {
  using Lane = uint64_t __attribute__((vector_size(64)));
  std::vector<Lane> data(static_cast<size_t>(bytes / 64), Lane{1, 1, 1, 1, 1, 1, 1, 1});
  int threads = ComputeThreads();
  double best = 0;
  for (int i = 0; i < 8; ++i) {
    std::vector<uint64_t> sums(static_cast<size_t>(threads));
    auto read = [&](int t) {
      size_t begin = data.size() * static_cast<size_t>(t) / static_cast<size_t>(threads);
      size_t end = data.size() * static_cast<size_t>(t + 1) / static_cast<size_t>(threads);
      Lane s = {}, u = {};
      for (size_t k = begin; k + 1 < end; k += 2) s += data[k], u += data[k + 1];
      s += u;
      sums[static_cast<size_t>(t)] = s[0] + s[7];
    };
    double from = NowMs();
    std::vector<std::thread> pool;
    for (int t = 1; t < threads; ++t) pool.emplace_back(read, t);
    read(0);
    for (auto& t : pool) t.join();
    best = std::max(best, static_cast<double>(bytes) * 1e3 / (NowMs() - from));
    uint64_t total = 0;
    for (uint64_t s : sums) total += s;
    SL_CHECK(total > data.size());  // the reads cannot be left out
  }
  return best;
}

}  // namespace sightline::bench
