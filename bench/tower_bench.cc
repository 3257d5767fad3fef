// tower_bench [--towers siglip,clip,qwen] [--weights f32,q16,q8] [--runs N] [--threads N]
//             [--simd avx2] [--json]:
// published vision towers with random weights on this CPU, beside what the CPU could do at best in
// the same minute.
//
// Every run must give the same features, bit for bit; those of other weights are compared with
// float32's. The parts are timed alone at the same shapes: what they leave of a run is its rest.
#include <hwy/targets.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "compute/cpu/heap.h"
#include "tools/ceilings/machine.h"
#include "tools/ceilings/probes.h"
#include "vision/encoders/qwen_tower.h"
#include "vision/encoders/vit.h"
#include "vision/select/frame_selectors.h"

namespace sightline::bench {
namespace {

using vision::VisionActivation;

// Uniform numbers of the given standard deviation, cheap enough for gigabytes of weights.
class Noise {
 public:
  void Fill(float deviation, Tensor* out) {
    float scale = deviation * std::sqrt(12.0f) / 16777216.0f;
    for (float& v : out->data) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      v = (static_cast<float>(state_ >> 40) - 8388608.0f) * scale;
    }
  }
  Tensor Make(const std::vector<int64_t>& shape, float deviation) {
    Tensor t(shape);
    Fill(deviation, &t);
    return t;
  }

 private:
  uint64_t state_ = 7;
};

// Weights as a checkpoint has them in size: norms about 1, matrices that keep the spread.
StatusOr<Tensor> RandomWeight(Noise* noise, const std::string& name,
                              const std::vector<int64_t>& shape) {
  int64_t inputs = Tensor::Count(shape) / shape[0];
  Tensor t =
      noise->Make(shape, shape.size() > 1 ? 1 / std::sqrt(static_cast<float>(inputs)) : 0.02f);
  bool gain = shape.size() == 1 && name.ends_with("weight");
  for (float& v : t.data) v += gain ? 1.0f : 0.0f;
  return t;
}

struct Product {
  int64_t m, n, k, count;
};
struct Attention {
  BlockList lists;
  int64_t count;
};

// A tower as the sum of its parts.
struct Work {
  std::string name;
  int64_t rows = 0, width = 0, heads = 1, ffn = 0, layers = 0, norms = 0;
  bool layer_norm = true, gated = false;
  PointOp activation = PointOp::kGelu;  // where it isn't gated (by SiLU)
  std::vector<Product> products;
  std::vector<Attention> attention;
  std::function<std::vector<float>()> run;  // features

  static double Pairs(const BlockList& l) {
    double pairs = 0;
    for (int t = 0; t < l.tiles(); ++t) {
      pairs += static_cast<double>(l.QueriesOf(t).size()) * static_cast<double>(l.KeysOf(t).size());
    }
    return pairs;
  }
  double ProductFlops() const {
    double sum = 0;
    for (const Product& p : products) sum += 2.0 * static_cast<double>(p.m * p.n * p.k * p.count);
    return sum;
  }
  double AttentionFlops() const {
    double sum = 0;
    for (const Attention& a : attention)
      sum += 4.0 * Pairs(a.lists) * static_cast<double>(width * a.count);
    return sum;
  }
};

Work VitWork(const std::string& name, const vision::VitSpec& spec, WeightChoice weights) {
  auto noise = std::make_shared<Noise>();
  auto encoder = vision::VitEncoder::Load(
      spec,
      [&](const std::string& n, const std::vector<int64_t>& s) {
        return RandomWeight(noise.get(), n, s);
      },
      Device(), weights);
  SL_CHECK(encoder.ok());
  std::shared_ptr<vision::VitEncoder> e = *std::move(encoder);
  Tensor pixels = noise->Make({1, 3, spec.image, spec.image}, 1);
  Work w;
  w.name = name;
  w.rows = e->rows_per_image(), w.width = spec.hidden, w.heads = spec.heads, w.ffn = spec.ffn;
  w.layers = spec.run_layers;
  w.norms = 2 * spec.run_layers + spec.pre_norm + spec.post_norm;
  w.activation =
      spec.activation == VisionActivation::kQuickGelu ? PointOp::kQuickGelu : PointOp::kGeluTanh;
  int64_t patches = spec.grid() * spec.grid();
  w.products = {{patches, spec.hidden, 3 * spec.patch * spec.patch, 1},
                {w.rows, spec.hidden, spec.hidden, 4 * w.layers},
                {w.rows, spec.ffn, spec.hidden, w.layers},
                {w.rows, spec.hidden, spec.ffn, w.layers}};
  w.attention.push_back({vision::FrameList(1, static_cast<int32_t>(w.rows)), w.layers});
  w.run = [e, pixels] { return HostValues(e->Encode(pixels)); };
  return w;
}

Work QwenWork(WeightChoice weights) {
  vision::QwenTowerSpec s;
  s.hidden = 1280, s.ffn = 3420, s.layers = 32, s.heads = 16, s.out = 2048, s.window = 4;
  s.full_layers = {7, 15, 23, 31};
  vision::Grid grid{1, 36, 36};
  auto noise = std::make_shared<Noise>();
  auto tower = vision::QwenTower::Load(
      s,
      [&](const std::string& n, const std::vector<int64_t>& shape) {
        return RandomWeight(noise.get(), n, shape);
      },
      Device(), weights);
  SL_CHECK(tower.ok());
  std::shared_ptr<vision::QwenTower> t = *std::move(tower);
  Tensor patches = noise->Make({grid[1] * grid[2], s.patch_floats()}, 1);
  Work w;
  w.name = "Qwen2.5-VL, 504 px";
  w.rows = patches.rows(), w.width = s.hidden, w.heads = s.heads, w.ffn = s.ffn;
  w.layers = s.layers, w.norms = 2 * s.layers + 1;
  w.layer_norm = false, w.gated = true;
  int64_t joined = s.hidden * s.merge * s.merge, units = w.rows / s.merge / s.merge;
  w.products = {{w.rows, s.hidden, s.patch_floats(), 1},
                {w.rows, 3 * s.hidden, s.hidden, s.layers},
                {w.rows, s.hidden, s.hidden, s.layers},
                {w.rows, s.ffn, s.hidden, 2 * s.layers},
                {w.rows, s.hidden, s.ffn, s.layers},
                {units, joined, joined, 1},
                {units, s.out, joined, 1}};
  auto full = static_cast<int64_t>(s.full_layers.size());
  w.attention.push_back({vision::FrameList(1, grid[1] * grid[2]), full});
  w.attention.push_back({vision::UnitWindowList(1, 18, 18, 4, 4), s.layers - full});
  w.run = [t, patches, grid] { return HostValues(t->Encode(patches, grid).rows); };
  return w;
}

Work MakeWork(const std::string& name, WeightChoice weights) {
  vision::VitSpec s;
  if (name == "siglip") {
    s.hidden = 768, s.ffn = 3072, s.layers = s.run_layers = 12, s.heads = 12, s.patch = 16;
    s.image = 512, s.post_norm = true, s.activation = VisionActivation::kGeluTanh;
    return VitWork("SigLIP-B/16, 512 px", s, weights);
  }
  if (name == "clip") {
    s.hidden = 1024, s.ffn = 4096, s.layers = 24, s.run_layers = 23, s.heads = 16, s.patch = 14;
    s.image = 336, s.class_row = s.pre_norm = true, s.patch_bias = false;
    s.activation = VisionActivation::kQuickGelu, s.eps = 1e-5f;
    return VitWork("CLIP-L/14, 336 px", s, weights);
  }
  return QwenWork(weights);
}

double Seconds(const std::function<void()>& fn) {
  double from = NowMs();
  fn();
  return (NowMs() - from) / 1e3;
}

// Seconds that each part of a tower takes, the fastest of a few.
class Parts {
 public:
  Parts(const Work& w, WeightChoice weights)
      : w_(w),
        q_(noise_.Make({w.rows, w.width}, 1)),
        k_(noise_.Make({w.rows, w.width}, 1)),
        v_(noise_.Make({w.rows, w.width}, 1)) {
    for (const Product& p : w.products) {
      layers_.push_back(
          {noise_.Make({p.n, p.k}, 0.02f), std::vector<float>(static_cast<size_t>(p.n))});
      SL_CHECK(PackWeights(weights, &layers_.back()).ok());
      inputs_.push_back(noise_.Make({p.m, p.k}, 1));
      outputs_.push_back(noise_.Make({p.m, p.n}, 1));
    }
  }
  double Products() {
    double sum = 0;
    for (size_t i = 0; i < layers_.size(); ++i) {
      Tensor& y = outputs_[i];
      sum += static_cast<double>(w_.products[i].count) * Seconds([&] {
               MatMul(inputs_[i].data.data(), inputs_[i].rows(), layers_[i], y.data.data());
             });
    }
    return sum;
  }
  double Attend() {
    double sum = 0;
    for (const Attention& a : w_.attention) {
      AttentionPlan plan(Device(), a.lists);
      sum += static_cast<double>(a.count) *
             Seconds([&] { vision::AttendRows(q_, k_, v_, w_.heads, plan, &attended_); });
    }
    return sum;
  }
  double Norms() {
    Tensor y({w_.rows, w_.width});
    const float* weight = q_.data.data();
    return static_cast<double>(w_.norms) * Seconds([&] {
             if (w_.layer_norm) {
               LayerNorm(weight, w_.rows, w_.width, weight, weight, 1e-6f, y.data.data());
             } else {
               RmsNorm(weight, w_.rows, w_.width, weight, 1e-6f, y.data.data());
             }
           });
  }
  double Activations() {
    Tensor x = noise_.Make({w_.rows, w_.ffn}, 1), up = x;
    return static_cast<double>(w_.layers) * Seconds([&] {
             if (w_.gated) {
               Gate(GateOp::kSilu, x, &up);
             } else {
               Pointwise(w_.activation, &x);
             }
           });
  }

 private:
  const Work& w_;
  Noise noise_;
  Tensor q_, k_, v_, attended_;
  std::vector<Linear> layers_;
  std::vector<Tensor> inputs_, outputs_;  // in memory that has been touched
};

nlohmann::json Measure(const Work& w, WeightChoice weights, int runs) {
  Parts parts(w, weights);
  std::vector<float> first = w.run();
  for (float v : first) SL_CHECK(std::isfinite(v));
  double flops = w.ProductFlops() + w.AttentionFlops();
  double best[5] = {1e9, 1e9, 1e9, 1e9, 1e9}, fma = 0, gemm = 0;
  std::vector<double> times, share_fma, share_gemm;
  bool equal = true;
  for (int r = 0; r < runs; ++r) {
    double fma_now = FloatPeak(), gemm_now = GemmPeak();
    std::vector<float> features;
    double s = Seconds([&] { features = w.run(); });
    fma_now = std::max(fma_now, FloatPeak()), gemm_now = std::max(gemm_now, GemmPeak());
    equal = equal && features == first;
    times.push_back(s * 1e3);
    share_fma.push_back(flops / s / fma_now);
    share_gemm.push_back(flops / s / gemm_now);
    fma = std::max(fma, fma_now), gemm = std::max(gemm, gemm_now);
    double now[5] = {s, parts.Products(), parts.Attend(), parts.Norms(), parts.Activations()};
    for (int i = 0; i < 5; ++i) best[i] = std::min(best[i], now[i]);
  }
  double rest = best[0] - best[1] - best[2] - best[3] - best[4];
  return {{"tower", w.name},
          {"features", first},
          {"gflop", flops / 1e9},
          {"ms", Median(times)},
          {"ms_best", best[0] * 1e3},
          {"gflops_best", flops / best[0] / 1e9},
          {"fma_gflops", fma / 1e9},
          {"gemm_gflops", gemm / 1e9},
          {"share_of_fma", Median(share_fma)},
          {"share_of_fma_best", *std::max_element(share_fma.begin(), share_fma.end())},
          {"share_of_gemm", Median(share_gemm)},
          {"parts_ms",
           {{"products", best[1] * 1e3},
            {"attention", best[2] * 1e3},
            {"norms", best[3] * 1e3},
            {"activations", best[4] * 1e3},
            {"rest", rest * 1e3}}},
          {"products_gflops", w.ProductFlops() / best[1] / 1e9},
          {"attention_gflops", w.AttentionFlops() / best[2] / 1e9},
          {"runs_equal", equal}};
}

// Of the first weights' features, in the Euclidean norm.
double RelativeError(const std::vector<float>& features, const std::vector<float>& plain) {
  double error = 0, size = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    double e = static_cast<double>(features[i]) - plain[i];
    error += e * e;
    size += static_cast<double>(plain[i]) * plain[i];
  }
  return std::sqrt(error / size);
}

void Print(const nlohmann::json& j) {
  auto number = [&](const char* key) { return j[key].get<double>(); };
  std::printf(
      "%s, %s: %.0f ms (best %.0f), %.0f GFLOP/s of %.0f FMA, %.0f GEMM: %.0f%% of the FMA peak "
      "(best %.0f%%), %.0f%% of GEMM; runs equal: %s\n",
      j["tower"].get<std::string>().c_str(), j["weights"].get<std::string>().c_str(), number("ms"),
      number("ms_best"), number("gflops_best"), number("fma_gflops"), number("gemm_gflops"),
      100 * number("share_of_fma"), 100 * number("share_of_fma_best"),
      100 * number("share_of_gemm"), j["runs_equal"].get<bool>() ? "yes" : "NO");
  for (const auto& [name, ms] : j["parts_ms"].items()) {
    std::printf("  %-12s %8.1f ms\n", name.c_str(), ms.get<double>());
  }
  std::printf(
      "  products at %.0f GFLOP/s, attention at %.0f; relative error %.5f, %.2f times as fast\n",
      number("products_gflops"), number("attention_gflops"), number("relative_error"),
      number("speedup_best"));
}

int Main(int argc, char** argv) {
  std::string towers = "siglip,clip,qwen", kinds = "f32,q16,q8";
  int runs = 5, threads = 0;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    std::string a = argv[i];
    if (a == "--json") {
      json = true;
    } else if (i + 1 < argc && a == "--towers") {
      towers = argv[++i];
    } else if (i + 1 < argc && a == "--weights") {
      kinds = argv[++i];
    } else if (i + 1 < argc && a == "--runs") {
      runs = std::max(1, std::atoi(argv[++i]));
    } else if (i + 1 < argc && a == "--simd" && std::string(argv[i + 1]) == "avx2") {
      hwy::SetSupportedTargetsForTest(HWY_AVX2);
      hwy::GetChosenTarget().Update(HWY_AVX2);
      ++i;
    } else if (i + 1 < argc && a == "--threads") {
      threads = std::atoi(argv[++i]);
    } else {
      std::fprintf(
          stderr,
          "usage: tower_bench [--towers siglip,clip,qwen] [--weights f32,q16,q8] [--runs N] "
          "[--threads N] [--simd avx2] [--json]\n");
      return 2;
    }
  }
  if (threads > 0) SetComputeThreads(threads);
  nlohmann::json out = {{"threads", ComputeThreads()}, {"runs", runs}};
  bool ok = true;
  for (const char* name : {"siglip", "clip", "qwen"}) {
    if (towers.find(name) == std::string::npos) continue;
    std::vector<float> plain;
    double plain_ms = 0;
    for (const auto& [kind, weights] : {std::pair{"f32", WeightChoice::kF32},
                                        {"bf16", WeightChoice::kBF16},
                                        {"q16", WeightChoice::kQ16},
                                        {"q8", WeightChoice::kQ8}}) {
      if (kinds.find(kind) == std::string::npos) continue;
      nlohmann::json j = Measure(MakeWork(name, weights), weights, runs);
      std::vector<float> features = j["features"];
      j.erase("features");
      j["weights"] = kind;
      if (plain.empty()) plain = features, plain_ms = j["ms_best"];
      j["relative_error"] = RelativeError(features, plain);
      j["speedup_best"] = plain_ms / j["ms_best"].get<double>();
      ok = ok && j["runs_equal"].get<bool>();
      if (!json) Print(j);
      out["towers"].push_back(std::move(j));
    }
  }
  if (json) std::printf("%s\n", out.dump(2).c_str());
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace sightline::bench

int main(int argc, char** argv) {
  sightline::KeepTensorsInHeap();
  return sightline::bench::Main(argc, argv);
}
