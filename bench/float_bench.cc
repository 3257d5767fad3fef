// float_bench [--runs N] [--threads N] [--n N] [--k K] [--rows 1,4,16,256,512] [--clock cpu]
//
// --clock cpu counts this process's CPU time instead of the clock on the wall, for one thread on a
// machine that is shared (OMP_NUM_THREADS=1 for the library).
// Float products with packed weights (F32, BF16, F16) beside oneDNN's sgemm of the same sizes and
// the float peak, both measured between ours. Rates are the best of the runs. Results are checked.
#include <time.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <sstream>
#include <string>

#include "compute/cpu/float_matmul.h"
#include "tools/ceilings/machine.h"
#include "tools/ceilings/probes.h"

namespace sightline::bench {
namespace {

struct Options {
  int runs = 7;
  int64_t n = 2048, k = 2048;
  std::string rows = "1,2,4,16,64,256,512,1024";
};

// Milliseconds of the chosen clock.
bool g_cpu_clock = false;
double ClockMs() {
  if (!g_cpu_clock) return NowMs();
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

struct Data {
  std::vector<float> w, x, y, y_library;
};

double LibrarySeconds(int64_t m, const Options& o, Data* d) {
  double from = ClockMs();
  SL_CHECK(dnnl_sgemm('N', 'T', m, o.n, o.k, 1, d->x.data(), o.k, d->w.data(), o.k, 0,
                      d->y_library.data(), o.n) == dnnl_success);
  double s = (ClockMs() - from) / 1e3;
  std::this_thread::sleep_for(std::chrono::milliseconds(10));  // its threads spin on for a moment
  return s;
}

double OurSeconds(const FloatMatrix& w, int64_t m, const Options& o, Data* d) {
  FloatJob job{&w, d->y.data(), o.n, nullptr};
  double from = ClockMs();
  FloatMatMul(d->x.data(), o.k, m, o.k, {&job, 1});
  return (ClockMs() - from) / 1e3;
}

int Run(const Options& o) {
  std::mt19937_64 rng(3);
  std::normal_distribution<float> draw;
  Data d;
  d.w.resize(static_cast<size_t>(o.n * o.k));
  for (float& v : d.w) v = FromBfloat(ToBfloat(draw(rng)));
  std::vector<FloatMatrix> packed;
  for (BlockFormat f : {BlockFormat::kF32, BlockFormat::kBF16, BlockFormat::kF16})
    packed.push_back(*PackFloats(BlockFormat::kF32, d.w.data(), o.n, o.k, f));
  std::printf("%d threads, N = %ld, K = %ld; GFLOP/s, best of %d\n", ComputeThreads(),
              static_cast<long>(o.n), static_cast<long>(o.k), o.runs);
  std::printf("%6s %8s %8s | %8s %8s %8s | %8s %8s\n", "rows", "peak", "oneDNN", "f32", "bf16",
              "f16", "f32/peak", "/oneDNN");
  std::stringstream list(o.rows);
  for (std::string item; std::getline(list, item, ',');) {
    int64_t m = std::max(1, std::atoi(item.c_str()));
    d.x.resize(static_cast<size_t>(m * o.k));
    for (float& v : d.x) v = draw(rng);
    d.y.resize(static_cast<size_t>(m * o.n));
    d.y_library = d.y;
    double ops = 2.0 * static_cast<double>(m * o.n * o.k), peak = 0, library = 0, ours[3] = {};
    for (int r = 0; r < o.runs; ++r) {
      double from = ClockMs(), wall = NowMs(), rate = FloatPeak();
      peak = std::max(peak, rate * (NowMs() - wall) / (ClockMs() - from));
      library = std::max(library, ops / LibrarySeconds(m, o, &d));
      for (size_t f = 0; f < packed.size(); ++f) {
        ours[f] = std::max(ours[f], ops / OurSeconds(packed[f], m, o, &d));
      }
    }
    OurSeconds(packed[1], m, o, &d);
    for (size_t i = 0; i < d.y.size(); ++i) {
      SL_CHECK(std::fabs(d.y[i] - d.y_library[i]) <= 1e-3 * std::sqrt(static_cast<double>(o.k)));
    }
    std::printf("%6ld %8.1f %8.1f | %8.1f %8.1f %8.1f | %7.0f%% %7.2fx\n", static_cast<long>(m),
                peak / 1e9, library / 1e9, ours[0] / 1e9, ours[1] / 1e9, ours[2] / 1e9,
                100 * ours[0] / peak, ours[0] / library);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace sightline::bench

int main(int argc, char** argv) {
  sightline::bench::Options o;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string a = argv[i], next = argv[i + 1];
    if (a == "--runs")
      o.runs = std::max(1, std::atoi(next.c_str()));
    else if (a == "--threads")
      sightline::SetComputeThreads(std::atoi(next.c_str()));
    else if (a == "--n")
      o.n = std::max(1, std::atoi(next.c_str()));
    else if (a == "--k")
      o.k = std::max(1, std::atoi(next.c_str()));
    else if (a == "--rows")
      o.rows = next;
    else if (a == "--clock")
      sightline::bench::g_cpu_clock = next == "cpu";
    else {
      std::fprintf(stderr, "unknown option %s\n", a.c_str());
      return 2;
    }
  }
  return sightline::bench::Run(o);
}
