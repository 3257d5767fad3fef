// batch_bench [--model DIR | --shape a|b|tiny] [--batches 1,2,4,8,16] [--runs N] [--threads N]
//             [--weights CHOICE] [--depth N] [--tokens N] [--clock cpu] [--json]
//
// What many requests at once get done: tokens a second over all of them (goodput) and the time that
// each waits for a token, against the number of requests. --model (models/scenes unless said) asks
// the engine about rendered stills; --shape runs a decoder of a published size with random weights,
// decoding behind --depth tokens. Best of the runs, which take turns. Every sequence must get the
// tokens that it gets alone. --clock cpu counts this process's CPU time instead of the clock on the
// wall, for one thread on a machine that is shared; waiting times are then shares of a step's.
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>

#include "compute/cpu/heap.h"
#include "compute/ops/decoder_ops.h"
#include "compute/ops/shape_ops.h"
#include "fusion/engine.h"
#include "fusion/vision_pipeline.h"
#include "tools/ceilings/machine.h"
#include "tools/world/world.h"

namespace sightline::bench {
namespace {

using Json = nlohmann::json;

struct Options {
  std::string model = "models/scenes", shape;
  std::vector<int> batches = {1, 2, 4, 8, 16};
  int runs = 5, depth = 128, tokens = 32;
  WeightChoice weights = WeightChoice::kStored;
  bool json = false;
};

// Milliseconds of the chosen clock.
bool g_cpu_clock = false;
double ClockMs() {
  if (!g_cpu_clock) return NowMs();
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

// One batch size: the best run's figures.
struct Row {
  double goodput = 0;     // tokens a second, all requests together
  double token_ms = 0;    // between two tokens of one request
  double prefill_ms = 0;  // of one request, its median; engine only
};

// Random weights as bfloat16, the same on every run.
StatusOr<StoredTensor> RandomTensor(const std::string& name, const std::vector<int64_t>& shape) {
  StoredTensor t;
  t.format = BlockFormat::kBF16;
  t.shape = shape;
  auto numbers = std::make_shared<std::vector<uint16_t>>(static_cast<size_t>(t.count()));
  std::minstd_rand rng(static_cast<uint32_t>(std::hash<std::string>()(name)));
  bool norm = shape.size() == 1 && name.find("norm") != std::string::npos;
  for (uint16_t& n : *numbers) {
    float unit = static_cast<float>(rng() % 2001) / 1000 - 1;
    n = ToBfloat(norm ? 1 + 0.1f * unit : 0.05f * unit);
  }
  t.data = numbers->data();
  t.keep = numbers;
  return t;
}

// Sizes as in published models: 135 M, 0.5 B.
language::DecoderSpec ShapeOf(const std::string& name) {
  language::DecoderSpec s;
  if (name == "a") {
    s.hidden = 576, s.ffn = 1536, s.layers = 30, s.heads = 9, s.kv_heads = 3, s.vocab = 49280;
  } else if (name == "b") {
    s.hidden = 896, s.ffn = 4864, s.layers = 24, s.heads = 14, s.kv_heads = 2, s.vocab = 151936;
    s.qkv_bias = true;
  } else {
    s.hidden = 256, s.ffn = 768, s.layers = 4, s.heads = 4, s.kv_heads = 2, s.vocab = 8000;
  }
  s.head_dim = 64;
  s.context = 8192;
  return s;
}

int32_t Best(const std::vector<float>& logits, size_t row, size_t vocab) {
  auto from = logits.begin() + static_cast<int64_t>(row * vocab);
  return static_cast<int32_t>(std::max_element(from, from + static_cast<int64_t>(vocab)) - from);
}

class DecoderBench {
 public:
  explicit DecoderBench(const Options& o) : o_(o) {
    auto decoder = language::Decoder::Load(ShapeOf(o.shape), RandomTensor, o.weights);
    SL_CHECK(decoder.ok());
    decoder_ = *std::move(decoder);
    auto kv = decoder_->KvFor(KvChoice::kAuto);
    SL_CHECK(kv.ok());
    pool_ = std::make_unique<PagePool>(decoder_->page_numbers(), int64_t{8} << 30, Device(), *kv);
  }
  int64_t weight_bytes() const { return decoder_->weight_bytes(); }

  // Sequences one by one, so that what comes later is held to them.
  void Learn() {
    for (int i = 0; i < *std::max_element(o_.batches.begin(), o_.batches.end()); ++i) {
      std::vector<language::Sequence> one;
      one.emplace_back(pool_.get(), decoder_->spec().layers);
      std::vector<std::vector<int32_t>> tokens = {{Prefill(i, &one[0])}};
      for (int step = 0; step < o_.tokens; ++step) Step(&one, &tokens);
      alone_[i] = tokens[0];
    }
  }
  // `n` sequences decode together, each behind a prompt of its own.
  Row Run(int n) {
    std::vector<language::Sequence> sequences;
    std::vector<std::vector<int32_t>> tokens;
    for (int i = 0; i < n; ++i) {
      sequences.emplace_back(pool_.get(), decoder_->spec().layers);
      tokens.push_back({Prefill(i, &sequences.back())});
    }
    double from = ClockMs();
    for (int step = 0; step < o_.tokens; ++step) Step(&sequences, &tokens);
    double ms = ClockMs() - from;
    for (int i = 0; i < n; ++i) {
      SL_CHECK(alone_.at(i) == tokens[static_cast<size_t>(i)]);
    }
    return {1e3 * n * o_.tokens / ms, ms / o_.tokens, 0};
  }

 private:
  int32_t Prefill(int index, language::Sequence* seq) {
    std::mt19937 rng(static_cast<uint32_t>(index));
    auto vocab = static_cast<size_t>(decoder_->spec().vocab);
    std::vector<int32_t> ids;
    ids.reserve(static_cast<size_t>(o_.depth));
    for (int i = 0; i < o_.depth; ++i) ids.push_back(static_cast<int32_t>(rng() % vocab));
    auto logits = decoder_->Forward(decoder_->Embed(ids), seq);
    SL_CHECK(logits.ok());
    return Best(*logits, 0, vocab);
  }
  void Step(std::vector<language::Sequence>* sequences, std::vector<std::vector<int32_t>>* tokens) {
    std::vector<language::SequenceStep> parts;
    for (size_t i = 0; i < sequences->size(); ++i) {
      language::Sequence* seq = &(*sequences)[i];
      SL_CHECK(decoder_->Reserve(1, seq).ok());
      parts.push_back({{decoder_->Embed({(*tokens)[i].back()}), {}, {}}, seq, nullptr});
    }
    std::vector<float> logits = HostValues(decoder_->Logits(decoder_->Run(std::move(parts))));
    auto vocab = static_cast<size_t>(decoder_->spec().vocab);
    for (size_t i = 0; i < tokens->size(); ++i) (*tokens)[i].push_back(Best(logits, i, vocab));
  }

  Options o_;
  std::unique_ptr<language::Decoder> decoder_;
  std::unique_ptr<PagePool> pool_;
  std::map<int, std::vector<int32_t>> alone_;  // tokens of each sequence
};

// Captions of rendered stills: long answers.
class EngineBench {
 public:
  explicit EngineBench(const Options& o) : o_(o) {
    EngineOptions options;
    options.weights = o.weights;
    options.reuse_prefixes = false;  // runs repeat, and are to be computed every time
    auto engine = Engine::Load(o.model, options);
    auto vision = VisionPipeline::Load(o.model);
    SL_CHECK(engine.ok() && vision.ok());
    engine_ = *std::move(engine);
    for (uint64_t i = 0; i < 16; ++i) requests_.push_back(Request(**vision, i));
  }
  int64_t weight_bytes() const { return engine_->model().decoder->weight_bytes(); }

  Row Run(int n) {
    std::vector<std::thread> threads;
    std::vector<GenerateSummary> summaries(static_cast<size_t>(n));
    std::vector<std::string> texts(static_cast<size_t>(n));
    double from = ClockMs();
    for (size_t i = 0; i < texts.size(); ++i) {
      threads.emplace_back([&, i] {
        auto summary = engine_->Generate(requests_[i % requests_.size()], {}, [&](const Delta& d) {
          texts[i] += d.text;
          return true;
        });
        SL_CHECK(summary.ok());
        summaries[i] = *summary;
      });
    }
    for (auto& t : threads) t.join();
    double ms = ClockMs() - from, tokens = 0;
    std::vector<double> token_ms, prefill_ms;
    for (size_t i = 0; i < texts.size(); ++i) {
      SL_CHECK(alone_.at(i % requests_.size()) == texts[i]);
      const GenerateSummary& s = summaries[i];
      tokens += s.output_tokens;
      token_ms.push_back(s.decode_ms / std::max(1, s.output_tokens - 1));
      prefill_ms.push_back(s.prefill_ms);
    }
    return {1e3 * tokens / ms, Median(token_ms), Median(prefill_ms)};
  }
  // Requests one by one, so that what comes later is held to them.
  void Learn() {
    for (size_t i = 0; i < requests_.size(); ++i) {
      std::string text;
      SL_CHECK(engine_
                   ->Generate(requests_[i], {},
                              [&](const Delta& d) {
                                text += d.text;
                                return true;
                              })
                   .ok());
      alone_[i] = text;
    }
  }

 private:
  GenerateRequest Request(const VisionPipeline& vision, uint64_t index) {
    world::Rng rng(4711 + index);
    world::SceneOptions options = world::TrainingOptions();
    options.panel_rate = 0;
    world::Scene scene = world::MakeUsableScene(&rng, 1, options);
    world::Picture p = world::Render(&scene, 400, 400);
    auto media = vision.EncodeFrames({Image{p.width, p.height, p.rgb}}, {}, {});
    SL_CHECK(media.ok());
    GenerateRequest r;
    r.parts = {{std::make_shared<const EncodedMedia>(*std::move(media))}, {"Describe the image."}};
    r.max_output_tokens = o_.tokens;
    return r;
  }

  Options o_;
  std::unique_ptr<Engine> engine_;
  std::vector<GenerateRequest> requests_;
  std::map<size_t, std::string> alone_;
};

template <class Bench>
int Report(Bench* bench, const Options& o) {
  std::map<int, Row> best;
  for (int run = 0; run < o.runs; ++run) {
    for (int n : o.batches) {
      Row row = bench->Run(n);
      if (row.goodput > best[n].goodput) best[n] = row;
    }
  }
  // One sequence alone cannot be faster than its weights are read.
  double floor = ReadBandwidth(bench->weight_bytes()) / static_cast<double>(bench->weight_bytes());
  Json rows = Json::array();
  if (!o.json) {
    std::printf("%s, %d threads, %.0f MB of weights, read %.0f times a second at best\n",
                o.shape.empty() ? o.model.c_str() : ("shape " + o.shape).c_str(), ComputeThreads(),
                static_cast<double>(bench->weight_bytes()) / 1e6, floor);
    std::printf("%6s %12s %10s %12s %12s\n", "batch", "tokens/s", "of one", "token, ms",
                "prefill, ms");
  }
  for (const auto& [n, row] : best) {
    double gain = row.goodput / best.begin()->second.goodput;
    rows.push_back({{"batch", n},
                    {"tokens_per_s", row.goodput},
                    {"token_ms", row.token_ms},
                    {"prefill_ms", row.prefill_ms}});
    if (!o.json)
      std::printf("%6d %12.1f %9.2fx %12.2f %12.1f\n", n, row.goodput, gain, row.token_ms,
                  row.prefill_ms);
  }
  if (o.json) {
    Json all = {{"model", o.shape.empty() ? o.model : "shape " + o.shape},
                {"threads", ComputeThreads()},
                {"weight_bytes", bench->weight_bytes()},
                {"weight_reads_per_s", floor},
                {"rows", rows}};
    std::printf("%s\n", all.dump(2).c_str());
  }
  return 0;
}

int Run(const Options& o) {
  if (!o.shape.empty()) {
    DecoderBench bench(o);
    bench.Learn();
    return Report(&bench, o);
  }
  EngineBench bench(o);
  bench.Learn();
  return Report(&bench, o);
}

std::vector<int> Numbers(const std::string& text) {
  std::vector<int> out;
  std::stringstream list(text);
  for (std::string item; std::getline(list, item, ',');)
    out.push_back(std::max(1, std::atoi(item.c_str())));
  return out;
}

bool Set(const std::string& name, const std::string& value, Options* o) {
  int number = std::max(1, std::atoi(value.c_str()));
  if (name == "--model") {
    o->model = value;
  } else if (name == "--shape") {
    o->shape = value;
  } else if (name == "--batches") {
    o->batches = Numbers(value);
  } else if (name == "--runs") {
    o->runs = number;
  } else if (name == "--depth") {
    o->depth = number;
  } else if (name == "--tokens") {
    o->tokens = number;
  } else if (name == "--clock") {
    g_cpu_clock = value == "cpu";
  } else if (name == "--threads") {
    SetComputeThreads(number);
  } else if (name == "--weights") {
    auto choice = ParseWeightChoice(value);
    if (choice.ok()) o->weights = *choice;
    return choice.ok();
  } else {
    return false;
  }
  return true;
}

}  // namespace
}  // namespace sightline::bench

int main(int argc, char** argv) {
  sightline::KeepTensorsInHeap();
  sightline::bench::Options o;
  for (int i = 1; i < argc; ++i) {
    std::string a = argv[i];
    if (a == "--json") {
      o.json = true;
    } else if (i + 1 >= argc || !sightline::bench::Set(a, argv[++i], &o)) {
      std::fprintf(stderr, "unknown option or value: %s\n", a.c_str());
      return 2;
    }
  }
  return sightline::bench::Run(o);
}
