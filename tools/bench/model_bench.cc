#include "tools/bench/model_bench.h"

#include <sys/resource.h>

#include <cstdio>
#include <cstring>
#include <fstream>

#include "compute/cpu/aligned_buffer.h"
#include "fusion/engine.h"
#include "tools/ceilings/machine.h"
#include "tools/ceilings/probes.h"

namespace sightline::bench {
namespace {

using language::Decoder;
using language::DecoderSpec;
using language::Sequence;
using Json = nlohmann::ordered_json;

constexpr int64_t kChunk = 512;                     // rows of a step while a prompt is read
constexpr int64_t kReadBytes = int64_t{512} << 20;  // outgrows every cache

double CpuSeconds() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(u.ru_utime) + seconds(u.ru_stime);
}

// Wall and CPU seconds a thread.
struct Span {
  double wall = 0, cpu = 0;
};
class Watch {
 public:
  Span Stop() const { return {(NowMs() - from_) / 1e3, (CpuSeconds() - cpu_) / ComputeThreads()}; }

 private:
  double from_ = NowMs(), cpu_ = CpuSeconds();
};

// Matrices of one layer, as their outputs and inputs.
std::vector<std::pair<int64_t, int64_t>> LayerMatrices(const DecoderSpec& s) {
  int64_t q = s.heads * s.head_dim, kv = s.kv_heads * s.head_dim;
  return {{q, s.hidden},     {kv, s.hidden},    {kv, s.hidden},   {s.hidden, q},
          {s.ffn, s.hidden}, {s.ffn, s.hidden}, {s.hidden, s.ffn}};
}

double LayerOps(const DecoderSpec& s) {
  double sum = 0;
  for (auto [n, k] : LayerMatrices(s)) sum += 2.0 * static_cast<double>(n * k);
  return sum;
}

class Bench {
 public:
  Bench(const Decoder& decoder, KvFormat kv, const ModelBenchOptions& o)
      : d_(decoder),
        s_(decoder.spec()),
        o_(o),
        pool_(decoder.page_numbers(), int64_t{1} << 40, decoder.device(), kv) {}

  StatusOr<Json> Run() {
    Json out;
    out["threads"] = ComputeThreads();
    out["isa"] = IsaName();
    out["parameters"] = d_.parameter_count();
    out["kv"] = NameOf(pool_.format());
    out["weight_bytes"] = d_.weight_bytes();
    SL_ASSIGN_OR_RETURN(out["memory"], Memory());
    if (o_.prompt > 0) SL_RETURN_IF_ERROR(Prompt().status());  // warms up
    if (o_.ceilings) {
      dram_ = AlignedBuffer(kReadBytes);
      std::memset(dram_.data(), 1, static_cast<size_t>(dram_.size()));
      out["f32_peak_gflop_s"] = FloatPeak() / 1e9;
      out["int8_peak_gop_s"] = Int8Peak() / 1e9;
    }
    if (o_.prompt > 0) {
      SL_ASSIGN_OR_RETURN(out["prompt"], MeasurePrompt());
    }
    out["decode"] = Json::array();
    for (int64_t depth : o_.depths) {
      SL_ASSIGN_OR_RETURN(Json row, MeasureDecode(depth));
      out["decode"].push_back(std::move(row));
    }
    return out;
  }

 private:
  int32_t Token() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int32_t>((state_ >> 33) % static_cast<uint64_t>(s_.vocab));
  }
  // Appends random tokens; the last one's logits when asked for.
  Status Fill(int64_t tokens, bool logits, Sequence* seq, int64_t chunk = kChunk) {
    for (int64_t done = 0; done < tokens;) {
      std::vector<int32_t> ids(static_cast<size_t>(std::min(chunk, tokens - done)));
      for (int32_t& id : ids) id = Token();
      done += static_cast<int64_t>(ids.size());
      SL_ASSIGN_OR_RETURN(Tensor h, d_.Run({d_.Embed(ids), {}, {}}, seq));
      if (logits && done == tokens) checksum_ += d_.Logits(RowsOf(h, h.rows() - 1, 1)).row(0)[0];
    }
    return absl::OkStatus();
  }
  // Before anything is measured, so that it is loading, one prompt (in the engine's chunks) and its
  // answer alone.
  StatusOr<Json> Memory() {
    Json out;
    auto weights = static_cast<double>(d_.weight_bytes());
    auto peak = [&](const char* name) {
      ResidentMemory r = Resident();
      out[std::string(name) + "_bytes"] = r.peak;
      out[std::string(name) + "_over_weights"] = static_cast<double>(r.peak) / weights;
      out[std::string(name) + "_less_process_over_weights"] =
          static_cast<double>(r.peak - o_.process_bytes) / weights;
    };
    out["process_bytes"] = o_.process_bytes;
    out["loaded_bytes"] = Resident().now;
    peak("loading_peak");
    Sequence seq(&pool_, s_.layers);
    SL_RETURN_IF_ERROR(Fill(o_.prompt, true, &seq, EngineOptions().prefill_chunk));
    SL_RETURN_IF_ERROR(Generate(&seq).status());
    out["kv_bytes"] = pool_.pages_in_use() * pool_.page_bytes();
    peak("peak");
    return out;
  }
  StatusOr<Span> Prompt() {
    Sequence seq(&pool_, s_.layers);
    Watch watch;
    SL_RETURN_IF_ERROR(Fill(o_.prompt, true, &seq));
    return watch.Stop();
  }
  StatusOr<Span> Generate(Sequence* seq) {
    Watch watch;
    for (int64_t i = 0; i < o_.generate; ++i) {
      SL_ASSIGN_OR_RETURN(std::vector<float> logits, d_.Forward(d_.Embed({Token()}), seq));
      checksum_ += logits[0];
    }
    return watch.Stop();
  }
  double Dram() { return o_.ceilings ? ReadRate(dram_.data(), dram_.size()) : 0; }
  // oneDNN's product of bytes over the matrices of a layer, operations a second.
  double Library() {
    if (!o_.ceilings) return 0;
    int64_t rows = std::min(o_.prompt, kChunk);
    return LayerOps(s_) * static_cast<double>(rows) / OneDnnSeconds(rows, LayerMatrices(s_));
  }
  // Multiply-adds, counted twice, of tokens at positions [first, first + n).
  double AttentionOps(int64_t first, int64_t n) const {
    double keys = 0;
    for (int64_t i = 0; i < n; ++i) keys += static_cast<double>(first + i + 1);
    return 4 * keys * static_cast<double>(s_.heads * s_.head_dim * s_.layers);
  }

  StatusOr<Json> MeasurePrompt() {
    double ops = LayerOps(s_) * static_cast<double>(s_.layers * o_.prompt) +
                 2.0 * static_cast<double>(s_.hidden * s_.vocab) + AttentionOps(0, o_.prompt);
    std::vector<double> rate, cpu, library, share;
    for (int r = 0; r < o_.runs; ++r) {
      double before = Library();
      SL_ASSIGN_OR_RETURN(Span t, Prompt());
      double ceiling = (before + Library()) / 2;
      rate.push_back(static_cast<double>(o_.prompt) / t.wall);
      cpu.push_back(static_cast<double>(o_.prompt) / t.cpu);
      library.push_back(ceiling / 1e9);
      share.push_back(o_.ceilings ? ops / t.wall / ceiling : 0);
    }
    double tokens = static_cast<double>(o_.prompt);
    return Json{{"tokens", o_.prompt},
                {"tok_s", Median(rate)},
                {"cpu_tok_s", Median(cpu)},
                {"gop_s", Median(rate) * ops / tokens / 1e9},
                {"cpu_gop_s", Median(cpu) * ops / tokens / 1e9},
                {"onednn_int8_gop_s", Median(library)},
                {"share_of_onednn", Median(share)}};
  }

  StatusOr<Json> MeasureDecode(int64_t depth) {
    // Every matrix is read once a token; of an embedding that is not the head, one row.
    double weights = static_cast<double>(d_.weight_bytes());
    if (!s_.tied)
      weights *=
          1 - static_cast<double>(s_.vocab * s_.hidden) / static_cast<double>(d_.parameter_count());
    double per_row = static_cast<double>(pool_.page_bytes()) / kPageRows;
    double kv = per_row * (static_cast<double>(depth) + static_cast<double>(o_.generate) / 2);
    auto n = static_cast<double>(o_.generate);
    std::vector<double> rate, cpu, dram, share;
    auto seq = std::make_unique<Sequence>(&pool_, s_.layers);
    bool apart = ForgetPeak();
    SL_RETURN_IF_ERROR(Fill(depth, false, seq.get()));
    for (int r = 0; r < o_.runs; ++r) {
      double before = Dram();
      SL_ASSIGN_OR_RETURN(Span t, Generate(seq.get()));
      double ceiling = (before + Dram()) / 2;
      rate.push_back(n / t.wall);
      cpu.push_back(n / t.cpu);
      dram.push_back(ceiling / 1e9);
      share.push_back(o_.ceilings ? n * (weights + kv) / t.wall / ceiling : 0);
      if (depth == 0) seq = std::make_unique<Sequence>(&pool_, s_.layers);
    }
    Json memory;  // null where the peak of other parts can't be told from this one's
    if (apart) memory = Resident().peak - dram_.size();
    return Json{{"depth", depth},
                {"tokens", o_.generate},
                {"peak_bytes", memory},
                {"tok_s", Median(rate)},
                {"cpu_tok_s", Median(cpu)},
                {"weight_gb_s", Median(rate) * weights / 1e9},
                {"kv_gb_s", Median(rate) * kv / 1e9},
                {"dram_gb_s", Median(dram)},
                {"share_of_dram", Median(share)}};
  }

  const Decoder& d_;
  const DecoderSpec& s_;
  const ModelBenchOptions& o_;
  PagePool pool_;
  AlignedBuffer dram_;
  uint64_t state_ = 5;
  double checksum_ = 0;  // keeps the work from being left out
};

std::string Line(const char* format, auto... values) {
  char text[256];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

}  // namespace

ResidentMemory Resident() {
  std::ifstream status("/proc/self/status");
  ResidentMemory out;
  for (std::string line; std::getline(status, line);) {
    auto read = [&](std::string_view key, int64_t* to) {
      if (line.starts_with(key)) *to = std::stoll(line.substr(key.size())) << 10;
    };
    read("VmHWM:", &out.peak);
    read("VmRSS:", &out.now);
  }
  return out;
}

bool ForgetPeak() {
  std::ofstream refs("/proc/self/clear_refs");
  refs << "5" << std::flush;  // sets the peak to what is resident now
  return refs.good();
}

StatusOr<Json> BenchDecoder(const Decoder& decoder, const ModelBenchOptions& options) {
  SL_ASSIGN_OR_RETURN(KvFormat kv, decoder.KvFor(options.kv));
  return Bench(decoder, kv, options).Run();
}

std::string DescribeBench(const Json& j) {
  auto v = [](const Json& from, const char* key) { return from.value(key, 0.0); };
  const Json& m = j["memory"];
  std::string out =
      Line("%.1f M weights in %.0f MB; the process before them %.0f MB\n", v(j, "parameters") / 1e6,
           v(j, "weight_bytes") / 1e6, v(m, "process_bytes") / 1e6);
  for (const auto& [name, key] : {std::pair("while loading", "loading_peak"),
                                  std::pair("with one prompt and answer", "peak")}) {
    std::string k = key;
    out += Line("peak memory %s %.0f MB: %.2f times the weights, %.2f without the process\n", name,
                v(m, (k + "_bytes").c_str()) / 1e6, v(m, (k + "_over_weights").c_str()),
                v(m, (k + "_less_process_over_weights").c_str()));
  }
  out +=
      Line("%d threads, %s; peaks: float32 %.0f GFLOP/s, int8 %.0f Gop/s\n", j.value("threads", 0),
           j.value("isa", "").c_str(), v(j, "f32_peak_gflop_s"), v(j, "int8_peak_gop_s"));
  if (j.contains("prompt")) {
    const Json& p = j["prompt"];
    out += Line(
        "prompt %5.0f   %8.2f tok/s (%.2f by CPU time)  %6.1f Gop/s, oneDNN int8 %.0f: %.0f%%\n",
        v(p, "tokens"), v(p, "tok_s"), v(p, "cpu_tok_s"), v(p, "gop_s"), v(p, "onednn_int8_gop_s"),
        100 * v(p, "share_of_onednn"));
  }
  for (const Json& d : j["decode"]) {
    out += Line(
        "decode @%5.0f  %8.2f tok/s (%.2f by CPU time)  weights %.1f + keys %.1f GB/s, DRAM %.1f: "
        "%.0f%%\n",
        v(d, "depth"), v(d, "tok_s"), v(d, "cpu_tok_s"), v(d, "weight_gb_s"), v(d, "kv_gb_s"),
        v(d, "dram_gb_s"), 100 * v(d, "share_of_dram"));
  }
  return out;
}

}  // namespace sightline::bench
