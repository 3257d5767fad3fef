// decode_attention_bench [--runs N] [--threads N] [--depth 4096] [--shapes a,b,c] [--isa
// avx2|avx512|vnni] [--json]
//
// Attention of one query row over a paged cache of published shapes, all layers distinct, beside
// the time that a plain read of the same keys and values takes in the same minute. Results are
// checked against plain loops.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "compute/cpu/aligned_buffer.h"
#include "compute/cpu/decode_attention.h"
#include "tools/ceilings/machine.h"
#include "tools/ceilings/probes.h"

namespace sightline::bench {
namespace {

constexpr int64_t kPage = 64;

struct Shape {
  char name;
  int64_t layers, heads, kv_heads, d;
};
constexpr Shape kShapes[] = {{'a', 30, 9, 3, 64}, {'b', 24, 14, 2, 64}, {'c', 36, 16, 2, 128}};

struct Options {
  int runs = 9;
  int64_t depth = 4096;
  std::string shapes = "a,b,c", isa;
  bool json = false;
};

// Keys and values of all layers as the page pool has them: a page holds 64 rows of every layer.
class Cache {
 public:
  Cache(const Shape& s, BlockFormat f, int64_t depth) : shape_(s) {
    std::mt19937_64 rng(5);
    std::normal_distribution<float> draw;
    int64_t pages = (depth + kPage - 1) / kPage, numbers = kPage * s.kv_heads * s.d,
            bytes = BytesOf(f, numbers);
    space_ = AlignedBuffer(2 * s.layers * pages * bytes);
    std::vector<float> values(static_cast<size_t>(numbers));
    for (float& v : values) v = draw(rng);
    const int64_t parts = 2 * s.layers;
    for (int64_t i = 0; i < parts * pages; ++i) {
      values[static_cast<size_t>(i) % values.size()] = draw(rng);
      uint8_t* to = space_.data() + (i % pages * parts + i / pages) * bytes;
      QuantizeRow(f, values.data(), numbers, to);
      pages_.push_back(to);
    }
    q_.resize(static_cast<size_t>(s.heads * s.d));
    for (float& v : q_) v = draw(rng);
    end_ = static_cast<int32_t>(depth);
    args_.q = q_.data();
    args_.q_stride = s.heads * s.d;
    args_.kv_format = f;
    args_.heads = s.heads;
    args_.kv_heads = s.kv_heads;
    args_.d = s.d;
    args_.scale = 1 / std::sqrt(static_cast<float>(s.d));
    args_.end = &end_;
    per_layer_ = pages;
  }

  // One token through all layers: seconds.
  double Token() {
    std::vector<float> out(q_.size());
    double from = NowMs();
    for (int64_t l = 0; l < shape_.layers; ++l) Layer(l, out.data());
    return (NowMs() - from) / 1e3;
  }
  void Check() {
    std::vector<float> out(q_.size()), want(q_.size());
    int64_t l = shape_.layers - 1;
    Layer(l, out.data());
    args_.out = want.data();
    DecodeAttentionReference(args_);
    for (size_t i = 0; i < out.size(); ++i) SL_CHECK(std::fabs(out[i] - want[i]) < 2e-5);
  }
  const AlignedBuffer& space() const { return space_; }

 private:
  void Layer(int64_t l, float* out) {
    args_.k = {pages_.data() + 2 * l * per_layer_, kPage, shape_.kv_heads * shape_.d};
    args_.v = {pages_.data() + (2 * l + 1) * per_layer_, kPage, shape_.kv_heads * shape_.d};
    args_.out = out;
    DecodeAttention(args_);
  }
  Shape shape_;
  AlignedBuffer space_;
  std::vector<const void*> pages_;
  std::vector<float> q_;
  DecodeAttentionArgs args_;
  int32_t end_ = 0;
  int64_t per_layer_ = 0;
};

nlohmann::json Measure(const Shape& s, BlockFormat f, const Options& o, const AlignedBuffer& dram) {
  Cache cache(s, f, o.depth);
  cache.Check();
  cache.Token();
  std::vector<double> ours, floor, times, read;
  auto bytes = static_cast<double>(cache.space().size());
  for (int r = 0; r < o.runs; ++r) {
    double rate = ReadRate(dram.data(), dram.size());
    double t = cache.Token();
    rate = (rate + ReadRate(dram.data(), dram.size())) / 2;
    read.push_back(rate / 1e9);
    ours.push_back(t * 1e3);
    floor.push_back(bytes / rate * 1e3);
    times.push_back(t * rate / bytes);
  }
  return {{"shape", std::string(1, s.name)},
          {"kv", std::string(TraitsOf(f).name)},
          {"depth", o.depth},
          {"kv_mb", bytes / 1e6},
          {"dram_gb_s", Median(read)},
          {"floor_ms_a_token", Median(floor)},
          {"ms_a_token", Median(ours)},
          {"share_of_read_rate", 1 / Median(times)}};
}

int Run(const Options& o) {
  if (!LimitIsa(o.isa)) {
    std::fprintf(stderr, "--isa: avx2, avx512 or vnni\n");
    return 2;
  }
  AlignedBuffer dram(int64_t{512} << 20);
  std::memset(dram.data(), 1, static_cast<size_t>(dram.size()));
  nlohmann::json rows = nlohmann::json::array();
  for (const Shape& s : kShapes) {
    if (o.shapes.find(s.name) == std::string::npos) continue;
    for (BlockFormat f : {BlockFormat::kF32, BlockFormat::kF16, BlockFormat::kBF16}) {
      rows.push_back(Measure(s, f, o, dram));
      const nlohmann::json& j = rows.back();
      if (o.json) continue;
      std::printf(
          "%c %-4s depth %ld: %6.1f MB, read %5.1f GB/s, floor %5.2f ms, ours %5.2f ms a token, "
          "%3.0f%%\n",
          s.name, j["kv"].get<std::string>().c_str(), static_cast<long>(o.depth),
          j["kv_mb"].get<double>(), j["dram_gb_s"].get<double>(),
          j["floor_ms_a_token"].get<double>(), j["ms_a_token"].get<double>(),
          100 * j["share_of_read_rate"].get<double>());
      std::fflush(stdout);
    }
  }
  if (o.json) {
    nlohmann::json all = {
        {"threads", ComputeThreads()}, {"isa", IsaName()}, {"runs", o.runs}, {"rows", rows}};
    std::printf("%s\n", all.dump(2).c_str());
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
    if (a == "--runs") {
      o.runs = std::max(1, std::atoi(next.c_str()));
    } else if (a == "--threads") {
      sightline::SetComputeThreads(std::atoi(next.c_str()));
    } else if (a == "--depth") {
      o.depth = std::clamp(std::atoi(next.c_str()), 1, 1 << 16);
    } else if (a == "--shapes") {
      o.shapes = next;
    } else if (a == "--isa") {
      o.isa = next;
    } else {
      std::fprintf(stderr, "unknown option %s\n", a.c_str());
      return 2;
    }
  }
  return sightline::bench::Run(o);
}
