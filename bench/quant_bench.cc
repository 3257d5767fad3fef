// quant_bench [--runs N] [--threads N] [--shapes a,b,c] [--formats q8,q4,q4k,q6k,f16,bf16] [--rows
// 512]
// [--isa avx2|avx512|vnni] [--json]
//
// Quantised products over the layers of published shapes, beside what the machine can do in the
// same minute:
//   decode: one row through every matrix of as many distinct layers as outgrow the caches, and the
//   output layer; rate of
//           weight bytes against a plain read.
//   prompt: many rows through each matrix of a layer, quantising the activations included, against
//   oneDNN's u8 s8 s32
//           product of the same sizes (which has no scales to apply).
// Ceilings and ours alternate within each run; shares are medians of the runs' shares. Results are
// checked.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "compute/cpu/float_matmul.h"
#include "compute/cpu/quant_matmul.h"
#include "tools/ceilings/machine.h"
#include "tools/ceilings/probes.h"

namespace sightline::bench {
namespace {

struct Shape {
  char name;
  int64_t layers, hidden, q, kv, ffn, vocab;
};
constexpr Shape kShapes[] = {{'a', 30, 576, 576, 192, 1536, 49280},
                             {'b', 24, 896, 896, 128, 4864, 151936},
                             {'c', 36, 2048, 2048, 256, 11008, 151936}};

struct Format {
  const char* name;
  BlockFormat block;
  PackedFormat packed;
  double peak_bits;
};
constexpr Format kFormats[] = {{"q8", BlockFormat::kQ8_0, PackedFormat::kQ8, 8},
                               {"q4", BlockFormat::kQ4_0, PackedFormat::kQ4, 4},
                               {"q4k", BlockFormat::kQ4_K, PackedFormat::kQ4K, 4},
                               {"q6k", BlockFormat::kQ6_K, PackedFormat::kQ6K, 6}};

// Random weights [n, k]: random codes are as good as any to time.
PackedMatrix RandomMatrix(const Format& f, int64_t n, int64_t k, std::mt19937_64* rng) {
  if (k % TraitsOf(f.block).values != 0) {  // K-quants at widths that GGUF gives them not
    std::vector<float> x(static_cast<size_t>(n * k));
    for (float& v : x) v = static_cast<float>(static_cast<int>((*rng)() % 255) - 127) * 1e-3f;
    PackedFormat to = f.packed == PackedFormat::kQ4K ? PackedFormat::kQ4K : PackedFormat::kQ8;
    return *QuantizeAndPack(BlockFormat::kF32, x.data(), n, k, to);
  }
  const BlockTraits& t = TraitsOf(f.block);
  std::vector<uint8_t> rows(static_cast<size_t>(BytesOf(f.block, n * k)));
  for (size_t i = 0; i + 8 <= rows.size(); i += 8) {
    uint64_t r = (*rng)();
    std::memcpy(rows.data() + i, &r, 8);
  }
  uint16_t scale = ToHalf(0.001f), min = ToHalf(0.003f);
  for (size_t i = 0; i < rows.size(); i += static_cast<size_t>(t.bytes)) {
    std::memcpy(rows.data() + i + (f.packed == PackedFormat::kQ6K ? 208 : 0), &scale, 2);
    if (f.packed == PackedFormat::kQ4K) std::memcpy(rows.data() + i + 2, &min, 2);
  }
  return *PackBlocks(f.block, rows.data(), n, k);
}

struct Layer {
  PackedMatrix q, k, v, o, gate, up, down;
};

Layer RandomLayer(const Format& f, const Shape& s, std::mt19937_64* rng) {
  auto m = [&](int64_t n, int64_t k) { return RandomMatrix(f, n, k, rng); };
  return {m(s.q, s.hidden),   m(s.kv, s.hidden),  m(s.kv, s.hidden), m(s.hidden, s.q),
          m(s.ffn, s.hidden), m(s.ffn, s.hidden), m(s.hidden, s.ffn)};
}

class Model {
 public:
  Model(const Format& f, const Shape& s, int64_t least_bytes) : format_(f), shape_(s) {
    std::mt19937_64 rng(7);
    while (std::ssize(layers_) < s.layers && bytes_ < least_bytes) {
      layers_.push_back(RandomLayer(f, s, &rng));
      const Layer& l = layers_.back();
      for (const PackedMatrix* w : {&l.q, &l.k, &l.v, &l.o, &l.gate, &l.up, &l.down}) Count(*w);
    }
    head_ = RandomMatrix(f, s.vocab, s.hidden, &rng);
    Count(head_);
    x_.resize(static_cast<size_t>(1024 * std::max(s.ffn, s.hidden)));
    std::normal_distribution<float> draw;
    for (float& v : x_) v = draw(rng);
  }

  // One row through everything: seconds.
  double Decode() {
    Out(1);
    double from = NowMs();
    for (const Layer& l : layers_) Through(l, 1);
    Product(1, shape_.hidden, {{&head_, Out(1), head_.n}});
    return (NowMs() - from) / 1e3;
  }
  double Prompt(int64_t rows, size_t layer) {
    Out(rows);
    double from = NowMs();
    Through(layers_[layer % layers_.size()], rows);
    return (NowMs() - from) / 1e3;
  }
  // What Prompt multiplies, on oneDNN.
  double OneDnn(int64_t rows) const {
    const Shape& s = shape_;
    const std::pair<int64_t, int64_t> matrices[] = {
        {s.q, s.hidden},   {s.kv, s.hidden},  {s.kv, s.hidden}, {s.hidden, s.q},
        {s.ffn, s.hidden}, {s.ffn, s.hidden}, {s.hidden, s.ffn}};
    return OneDnnSeconds(rows, matrices);
  }
  double LayerOps() const {
    const Shape& s = shape_;
    return 2.0 *
           static_cast<double>(2 * s.q * s.hidden + 2 * s.kv * s.hidden + 3 * s.ffn * s.hidden);
  }
  // Samples of the last layer's and the head's products against double precision.
  void Check() {
    const Layer& l = layers_.back();
    for (int64_t rows : {1, 3, 64}) {
      for (const PackedMatrix* w :
           std::initializer_list<const PackedMatrix*>{&l.q, &l.k, &l.down, &head_}) {
        Product(rows, w->k, {{w, Out(rows), w->n}});
        std::vector<float> weights(static_cast<size_t>(w->k));
        for (int64_t n : {int64_t{0}, w->n / 2 + 1, w->n - 1}) {
          UnpackRow(*w, n, weights.data());
          for (int64_t m : {int64_t{0}, rows - 1}) {
            double want = 0, size = 0;
            for (int64_t k = 0; k < w->k; ++k) {
              double p = static_cast<double>(weights[static_cast<size_t>(k)]) *
                         quant_.codes[m * quant_.stride + k] *
                         quant_.scale[m * quant_.blocks + k / 32];
              want += p;
              size += std::fabs(p);
            }
            SL_CHECK(std::fabs(out_[static_cast<size_t>(m * w->n + n)] - want) <= 1e-5 * size);
          }
        }
      }
    }
  }
  double bytes() const { return static_cast<double>(bytes_); }
  double file_bytes() const { return file_bytes_; }  // as GGUF stores the same weights
  int64_t layers() const { return std::ssize(layers_); }

 private:
  void Count(const PackedMatrix& w) {
    bytes_ += w.bytes();
    const BlockTraits& t = TraitsOf(format_.block);
    file_bytes_ += static_cast<double>(w.n * w.k) * static_cast<double>(t.bytes) /
                   static_cast<double>(t.values);
  }
  float* Out(int64_t rows) {
    size_t most =
        static_cast<size_t>(rows * std::max(2 * shape_.ffn, rows <= 64 ? shape_.vocab : 0));
    if (out_.size() < most) out_.resize(most);
    return out_.data();
  }
  void Product(int64_t rows, int64_t k, const std::vector<MatMulJob>& jobs) {
    QuantizeRows(x_.data(), k, rows, k, &quant_);
    QuantMatMul(quant_, jobs);
  }
  void Through(const Layer& l, int64_t rows) {
    const Shape& s = shape_;
    float* out = out_.data();
    int64_t wide = s.q + 2 * s.kv;
    Product(rows, s.hidden,
            {{&l.q, out, wide}, {&l.k, out + s.q, wide}, {&l.v, out + s.q + s.kv, wide}});
    Product(rows, s.q, {{&l.o, out, s.hidden}});
    Product(rows, s.hidden, {{&l.gate, out, 2 * s.ffn}, {&l.up, out + s.ffn, 2 * s.ffn}});
    Product(rows, s.ffn, {{&l.down, out, s.hidden}});
  }

  Format format_;
  Shape shape_;
  std::vector<Layer> layers_;
  PackedMatrix head_;
  int64_t bytes_ = 0;
  double file_bytes_ = 0;
  std::vector<float> x_, out_;
  QuantRows quant_;
};

struct Options {
  int runs = 7;
  int64_t rows = 512;
  std::string shapes = "a,b,c", formats = "q8,q4k", isa;
  bool json = false;
};

nlohmann::json Measure(const Format& f, const Shape& s, const Options& o,
                       const AlignedBuffer& dram) {
  Model model(f, s, int64_t{1} << 30);
  model.Check();
  model.Decode();
  model.Prompt(o.rows, 0);
  model.OneDnn(o.rows);
  std::vector<double> read, decode, share, file_share, dnn, prompt, prompt_share, peak_share, peak;
  for (int r = 0; r < o.runs; ++r) {
    double before = ReadRate(dram.data(), dram.size());
    double t = model.Decode();
    double rate = (before + ReadRate(dram.data(), dram.size())) / 2;
    read.push_back(rate / 1e9);
    decode.push_back(model.bytes() / t / 1e9);
    share.push_back(model.bytes() / t / rate);
    file_share.push_back(model.file_bytes() / t / rate);
    double ops = model.LayerOps() * static_cast<double>(o.rows), theirs = model.OneDnn(o.rows);
    double ours = model.Prompt(o.rows, static_cast<size_t>(r));
    theirs = (theirs + model.OneDnn(o.rows)) / 2;
    double top = f.peak_bits == 4 ? Int4Peak() : Int8Peak();
    peak.push_back(top / 1e9);
    dnn.push_back(ops / theirs / 1e9);
    prompt.push_back(ops / ours / 1e9);
    prompt_share.push_back(theirs / ours);
    peak_share.push_back(ops / ours / top);
  }
  return {{"shape", std::string(1, s.name)},
          {"format", f.name},
          {"layers_timed", model.layers()},
          {"weights_mb", model.bytes() / 1e6},
          {"dram_gb_s", Median(read)},
          {"decode_gb_s", Median(decode)},
          {"decode_share", Median(share)},
          {"decode_share_of_file_bytes", Median(file_share)},
          {"int_peak_gop_s", Median(peak)},
          {"onednn_gop_s", Median(dnn)},
          {"prompt_gop_s", Median(prompt)},
          {"prompt_share_of_onednn", Median(prompt_share)},
          {"prompt_share_of_peak", Median(peak_share)}};
}

// F16 and BF16 panels, where decoding alone is timed.
nlohmann::json MeasureHalf(BlockFormat f, const Shape& s, const Options& o,
                           const AlignedBuffer& dram) {
  std::vector<std::pair<int64_t, int64_t>> sizes = {
      {s.q + 2 * s.kv, s.hidden}, {s.hidden, s.q}, {2 * s.ffn, s.hidden}, {s.hidden, s.ffn}};
  int64_t used = 0, layers = 0;
  std::vector<FloatMatrix> matrices;
  while (used < int64_t{1} << 28) {
    for (auto [n, k] : sizes) {
      matrices.push_back(*PackFloats(f, dram.data(), n, k, f));
      used += n * k;
    }
    ++layers;
  }
  std::vector<float> x(static_cast<size_t>(s.ffn + s.hidden), 0.5f),
      out(static_cast<size_t>(2 * s.ffn));
  auto token = [&] {
    double from = NowMs();
    for (const FloatMatrix& w : matrices) {
      FloatJob job{&w, out.data(), w.n, nullptr};
      FloatMatMul(x.data(), w.k, 1, w.k, {&job, 1});
    }
    return (NowMs() - from) / 1e3;
  };
  token();
  std::vector<double> read, decode, share;
  for (int r = 0; r < o.runs; ++r) {
    double rate = ReadRate(dram.data(), dram.size()), t = token();
    rate = (rate + ReadRate(dram.data(), dram.size())) / 2;
    read.push_back(rate / 1e9);
    decode.push_back(2e-9 * static_cast<double>(used) / t);
    share.push_back(2 * static_cast<double>(used) / t / rate);
  }
  return {{"shape", std::string(1, s.name)}, {"format", std::string(TraitsOf(f).name)},
          {"layers_timed", layers},          {"dram_gb_s", Median(read)},
          {"decode_gb_s", Median(decode)},   {"decode_share", Median(share)}};
}

bool Listed(const std::string& list, const std::string& name) {
  return ("," + list + ",").find("," + name + ",") != std::string::npos;
}

int Run(const Options& o) {
  if (!LimitIsa(o.isa)) {
    std::fprintf(stderr, "--isa: avx2, avx512 or vnni\n");
    return 2;
  }
  AlignedBuffer dram(int64_t{1} << 30);
  std::memset(dram.data(), 1, static_cast<size_t>(dram.size()));
  nlohmann::json rows = nlohmann::json::array();
  if (!o.json) {
    std::printf("%d threads, %s, %d runs, %ld prompt rows\n", ComputeThreads(), IsaName().c_str(),
                o.runs, static_cast<long>(o.rows));
    std::printf("%-5s %-4s | %8s %8s %6s %6s | %8s %8s %8s %7s %6s\n", "shape", "fmt", "DRAM",
                "decode", "share", "file", "peak", "oneDNN", "prompt", "oneDNN", "peak");
  }
  for (const Shape& s : kShapes) {
    for (const Format& f : kFormats) {
      if (!Listed(o.shapes, std::string(1, s.name)) || !Listed(o.formats, f.name)) continue;
      nlohmann::json j = Measure(f, s, o, dram);
      auto v = [&](const char* key) { return j[key].get<double>(); };
      if (!o.json) {
        std::printf(
            "%-5c %-4s | %6.1fGB %6.1fGB %5.0f%% %5.0f%% | %6.0fG %7.0fG %7.0fG %6.0f%% %5.0f%%\n",
            s.name, f.name, v("dram_gb_s"), v("decode_gb_s"), 100 * v("decode_share"),
            100 * v("decode_share_of_file_bytes"), v("int_peak_gop_s"), v("onednn_gop_s"),
            v("prompt_gop_s"), 100 * v("prompt_share_of_onednn"), 100 * v("prompt_share_of_peak"));
        std::fflush(stdout);
      }
      rows.push_back(std::move(j));
    }
    for (BlockFormat f : {BlockFormat::kF16, BlockFormat::kBF16}) {
      if (!Listed(o.shapes, std::string(1, s.name)) ||
          !Listed(o.formats, f == BlockFormat::kF16 ? "f16" : "bf16"))
        continue;
      nlohmann::json j = MeasureHalf(f, s, o, dram);
      if (!o.json) {
        std::printf("%-5c %-4s | %6.1fGB %6.1fGB %5.0f%%\n", s.name,
                    j["format"].get<std::string>().c_str(), j["dram_gb_s"].get<double>(),
                    j["decode_gb_s"].get<double>(), 100 * j["decode_share"].get<double>());
      }
      rows.push_back(std::move(j));
    }
  }
  if (o.json) {
    std::printf(
        "%s\n",
        nlohmann::json{
            {"threads", ComputeThreads()}, {"isa", IsaName()}, {"runs", o.runs}, {"rows", rows}}
            .dump(2)
            .c_str());
  }
  return 0;
}

}  // namespace
}  // namespace sightline::bench

int main(int argc, char** argv) {
  sightline::bench::Options o;
  for (int i = 1; i < argc; ++i) {
    std::string a = argv[i], next = i + 1 < argc ? argv[i + 1] : "";
    if (a == "--json") {
      o.json = true;
      continue;
    }
    ++i;
    if (a == "--runs")
      o.runs = std::max(1, std::atoi(next.c_str()));
    else if (a == "--threads")
      sightline::SetComputeThreads(std::atoi(next.c_str()));
    else if (a == "--shapes")
      o.shapes = next;
    else if (a == "--formats")
      o.formats = next;
    else if (a == "--rows")
      o.rows = std::clamp(std::atoi(next.c_str()), 1, 1024);
    else if (a == "--isa")
      o.isa = next;
    else {
      std::fprintf(stderr, "unknown option %s\n", a.c_str());
      return 2;
    }
  }
  return sightline::bench::Run(o);
}
