// scenes_bench [--model DIR] [--runs N] [--threads N] [--json]: the default model on this CPU,
// beside what the CPU could do at best. Medians over N runs; every run must give the same tokens,
// and most answers must be right.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "compute/cpu/heap.h"
#include "fusion/engine.h"
#include "fusion/families/scenes.h"
#include "fusion/vision_pipeline.h"
#include "tools/ceilings/machine.h"
#include "tools/world/world.h"

namespace sightline::bench {
namespace {

constexpr int kStills = 10, kClips = 3, kSide = 400;
constexpr uint64_t kSeed = 90210;

// Multiply-adds counted as two, of the encoder and the projector on one still.
double EncodeFlops(const ModelSpec& spec, double width, double height) {
  const auto& v = spec.vision;
  auto d = [](int64_t x) { return static_cast<double>(x); };
  double n1 = width * height / 64, n2 = n1 / 4, c1 = d(v.dim1), c2 = d(v.dim2),
         k2 = d(v.kernel * v.kernel);
  double mlp = 2 * d(v.mlp_ratio),
         carriers = n2 / d(v.window * v.window) * d(v.carrier * v.carrier);
  double stem = 9 * (n1 * 16 * 3 * d(v.stem0) + n1 * 4 * d(v.stem0 * v.stem1) +
                     n1 * d(v.stem1) * c1 + n2 * c1 * c2);
  double one =
      n1 * (c1 * c1 * (4 + mlp) + 2 * k2 * c1 + 9 * c1) * static_cast<double>(v.dilations.size());
  double read = n2 * d(v.topk) / d(v.n_win * v.n_win);
  double two = n2 * (c2 * c2 * (4 + mlp) + 2 * read * c2 + 34 * c2) * d(v.depth2);
  double rows = n2 + carriers, window = d(v.window * v.window + v.carrier * v.carrier);
  double three = rows * (c2 * c2 * (4 + mlp) + 2 * window * c2) + n2 * 9 * c2;
  three += carriers * (c2 * c2 * (4 + 2 * d(v.carrier_mlp_ratio)) + 2 * carriers * c2);
  double out = n2 * (128 * c2 + c2 * d(spec.text.hidden) + d(spec.text.hidden * spec.text.hidden));
  return 2 * (stem + one + two + three * d(v.depth3) + out);
}

double PrefillFlops(const language::DecoderSpec& t, double tokens) {
  double c = static_cast<double>(t.hidden), q = static_cast<double>(t.heads * t.head_dim);
  double kv = static_cast<double>(t.kv_heads * t.head_dim), layers = static_cast<double>(t.layers);
  double per_token = 2 * c * q + 2 * c * kv + 3 * c * static_cast<double>(t.ffn) +
                     q * tokens;  // causal: half of 2
  return 2 * (layers * tokens * per_token + c * static_cast<double>(t.vocab));
}

struct Item {
  std::vector<Image> frames;
  std::vector<double> times_s;
  world::Qa question, caption;  // a clip has no caption: its first question twice
};

Item MakeStill(uint64_t index) {
  world::Rng rng(kSeed + index);
  for (;;) {
    world::SceneOptions options = world::TrainingOptions();
    options.panel_rate = 0;
    world::Scene scene = world::MakeUsableScene(&rng, 1, options);
    world::Picture p = world::Render(&scene, kSide, kSide);
    Item item;
    item.frames = {Image{p.width, p.height, p.rgb}};
    item.question = world::AskFamily(&rng, scene, "exist");
    if (world::AskCaption(&rng, scene, &item.caption)) return item;
  }
}

Item MakeClip(uint64_t index) {
  Item item;
  for (uint64_t i = 0;; ++i) {  // 16 sampled frames: eight seconds
    auto e = world::MakeEvalItem(world::Split::kClips, kSeed, index * 1000 + i);
    if (e.images.size() != 16) continue;
    for (const auto& p : e.images) item.frames.push_back({p.width, p.height, p.rgb});
    item.times_s = e.times_s;
    item.question = item.caption = e.questions[0];
    return item;
  }
}

struct Timed {
  double encode_ms = 0, first_token_ms = 0;
  GenerateSummary summary;
  std::string reply;
};

class Bench {
 public:
  Bench(std::string model, std::unique_ptr<VisionPipeline> vision, std::unique_ptr<Engine> engine)
      : model_(std::move(model)), vision_(std::move(vision)), engine_(std::move(engine)) {}

  // Encodes and answers; time to the first token counts from the pixels.
  Timed Ask(const Item& item, const world::Qa& qa) {
    Timed t;
    double from = NowMs();
    auto media = vision_->EncodeFrames(item.frames, item.times_s, {});
    SL_CHECK(media.ok());
    t.encode_ms = NowMs() - from;
    GenerateRequest request;
    request.parts = {{std::make_shared<EncodedMedia>(*std::move(media))}, {qa.question}};
    auto summary = engine_->Generate(request, {}, [&](const Delta& d) {
      if (t.reply.empty()) t.first_token_ms = NowMs() - from;
      t.reply += d.text;
      return true;
    });
    SL_CHECK(summary.ok());
    t.summary = *summary;
    Check(&item, qa, t.reply);
    return t;
  }
  ModelSpec spec() const {
    auto spec = ReadScenesSpec(model_);
    SL_CHECK(spec.ok());
    return *spec;
  }
  int64_t decoder_parameters() const { return engine_->parameter_count(); }
  bool stable() const { return stable_; }
  double right() const { return static_cast<double>(right_) / asked_; }

 private:
  // The same words in every run; right ones are counted at the first.
  void Check(const Item* item, const world::Qa& qa, const std::string& reply) {
    auto [at, fresh] = replies_.insert({{item, qa.question}, reply});
    if (!fresh) {
      stable_ = stable_ && at->second == reply;
      return;
    }
    ++asked_;
    world::Score score = world::ScoreReply(qa, reply);
    bool caption = qa.family == "caption";
    right_ += caption ? score.caption_hits * 10 >= score.caption_truth * 8 : score.correct;
  }
  std::string model_;
  std::unique_ptr<VisionPipeline> vision_;
  std::unique_ptr<Engine> engine_;
  std::map<std::pair<const Item*, std::string>, std::string> replies_;
  bool stable_ = true;
  int asked_ = 0, right_ = 0;
};

struct Row {
  std::string name, unit;
  double value = 0,
         floor = 0;  // floor: the best this machine could do by the bound named in `bound`
  std::string bound;
  bool rate = false;  // larger is better
  double share() const { return rate ? value / floor : floor / value; }
};

// What the machine can do, measured in every run: the best of all, so that a busy moment lowers no
// floor.
struct Ceilings {
  double peak = 0, read_bytes_s = 0;
  void Update(int64_t weight_bytes) {
    peak = std::max(peak, GemmPeak());
    read_bytes_s = std::max(read_bytes_s, ReadBandwidth(weight_bytes));
  }
};

std::vector<Row> Measure(Bench* bench, int runs, Ceilings* ceilings) {
  std::vector<Item> stills, clips;
  for (uint64_t i = 0; i < kStills; ++i) stills.push_back(MakeStill(i));
  for (uint64_t i = 0; i < kClips; ++i) clips.push_back(MakeClip(i));
  bench->Ask(stills[0], stills[0].question);  // plans and caches
  std::vector<double> encode, first, prefill_rate, decode_rate, clip_encode, clip_first;
  double prompt = 0, clip_prompt = 0;
  for (int r = 0; r < runs; ++r) {
    ceilings->Update(4 * bench->decoder_parameters());
    for (const Item& item : stills) {
      Timed t = bench->Ask(item, item.question);
      encode.push_back(t.encode_ms);
      first.push_back(t.first_token_ms);
      prefill_rate.push_back(t.summary.prompt_tokens * 1e3 / t.summary.prefill_ms);
      prompt = t.summary.prompt_tokens;
      t = bench->Ask(item, item.caption);
      if (t.summary.output_tokens >= 8)
        decode_rate.push_back(t.summary.output_tokens * 1e3 / t.summary.decode_ms);
    }
    for (const Item& item : clips) {
      Timed t = bench->Ask(item, item.question);
      clip_encode.push_back(t.encode_ms / static_cast<double>(item.frames.size()));
      clip_first.push_back(t.first_token_ms);
      clip_prompt = t.summary.prompt_tokens;
    }
  }
  double peak = ceilings->peak, read_bytes_s = ceilings->read_bytes_s;
  const ModelSpec spec = bench->spec();
  auto canvas = vision::NearestCanvas(spec.image_canvases, kSide, kSide);
  auto frame = vision::NearestCanvas(spec.frame_canvases, kSide, kSide);
  double still_flops = EncodeFlops(spec, canvas.width_px, canvas.height_px),
         frame_flops = EncodeFlops(spec, frame.width_px, frame.height_px);
  double prefill = PrefillFlops(spec.text, prompt),
         clip_prefill = PrefillFlops(spec.text, clip_prompt);
  auto params = static_cast<double>(bench->decoder_parameters());
  std::string gemm = "float32 GEMM peak";
  return {{"images", "1/s", 1e3 / Median(encode), peak / still_flops, gemm, true},
          {"frames", "1/s", 1e3 / Median(clip_encode), peak / frame_flops, gemm, true},
          {"prompt tokens", "1/s", Median(prefill_rate), prompt * peak / prefill, gemm, true},
          {"first token, still", "ms", Median(first), 1e3 * (still_flops + prefill) / peak, gemm,
           false},
          {"first token, 16-frame clip", "ms", Median(clip_first),
           1e3 * (16 * frame_flops + clip_prefill) / peak, gemm, false},
          {"decode tokens", "1/s", Median(decode_rate), read_bytes_s / (4 * params),
           "reading float32 weights", true},
          {"decode tokens", "1/s", Median(decode_rate), read_bytes_s / (2 * params),
           "reading bf16 weights, as shipped", true}};
}

int Main(int argc, char** argv) {
  std::string model = "models/scenes";
  int runs = 7, threads = 0;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    std::string a = argv[i];
    if (a == "--json") {
      json = true;
    } else if (i + 1 < argc && a == "--model") {
      model = argv[++i];
    } else if (i + 1 < argc && a == "--runs") {
      runs = std::max(1, std::atoi(argv[++i]));
    } else if (i + 1 < argc && a == "--threads") {
      threads = std::atoi(argv[++i]);
    } else {
      std::fprintf(stderr, "usage: scenes_bench [--model DIR] [--runs N] [--threads N] [--json]\n");
      return 2;
    }
  }
  if (threads > 0) SetComputeThreads(threads);
  auto vision = VisionPipeline::Load(model);
  EngineOptions options;
  options.reuse_prefixes = false;  // questions about one picture are to be computed every time
  auto engine = Engine::Load(model, options);
  if (!vision.ok() || !engine.ok()) {
    std::fprintf(stderr, "%s\n",
                 std::string((vision.ok() ? engine.status() : vision.status()).message()).c_str());
    return 1;
  }
  Bench bench(model, *std::move(vision), *std::move(engine));
  Ceilings ceilings;
  std::vector<Row> rows = Measure(&bench, runs, &ceilings);
  bool ok = bench.stable() && bench.right() >= 0.8;
  nlohmann::json out = {{"threads", ComputeThreads()},     {"runs", runs},
                        {"gemm_flops", ceilings.peak},     {"read_bytes_s", ceilings.read_bytes_s},
                        {"replies_equal", bench.stable()}, {"replies_right", bench.right()},
                        {"rows", nlohmann::json::array()}};
  for (const Row& r : rows) {
    out["rows"].push_back({{"name", r.name},
                           {"unit", r.unit},
                           {"value", r.value},
                           {"floor", r.floor},
                           {"bound", r.bound},
                           {"share", r.share()}});
  }
  if (json) {
    std::printf("%s\n", out.dump(2).c_str());
  } else {
    std::printf("%d threads, GEMM %.1f GFLOP/s, reads %.1f GB/s, %d runs\n", ComputeThreads(),
                ceilings.peak / 1e9, ceilings.read_bytes_s / 1e9, runs);
    for (const Row& r : rows) {
      std::printf("%-28s %9.1f %-4s best possible %9.1f (%4.1f%%) %s\n", r.name.c_str(), r.value,
                  r.unit.c_str(), r.floor, 100 * r.share(), r.bound.c_str());
    }
    std::printf("replies equal in all runs: %s; right: %.0f%%\n", bench.stable() ? "yes" : "NO",
                100 * bench.right());
  }
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace sightline::bench

int main(int argc, char** argv) {
  sightline::KeepTensorsInHeap();
  return sightline::bench::Main(argc, argv);
}
