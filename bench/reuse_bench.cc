// reuse_bench [--model DIR] [--items N] [--runs N] [--threads N] [--json]
//
// What asking again saves: time to the first token of a second question about a picture or a
// 16-frame clip, from its pixels, with the cache of visual tokens and the reuse of prompts' KV
// pages each off and on. Medians over items and runs, each of which begins with another setup.
// Every reply, to first questions too, must be the one that nothing was kept for.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "compute/base/check.h"
#include "compute/base/status.h"
#include "compute/base/thread_pool.h"
#include "compute/cpu/heap.h"
#include "fusion/engine.h"
#include "fusion/media.h"
#include "fusion/vision_pipeline.h"
#include "fusion/visual_cache.h"
#include "tools/ceilings/machine.h"
#include "tools/world/world.h"
#include "vision/image.h"

namespace sightline::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSide = 400;
constexpr uint64_t kSeed = 90210;

struct Options {
  std::string model = "models/scenes";
  int items = 6, runs = 4;  // as many as setups: each goes first once
  bool json = false;
};

struct Item {
  std::vector<Image> frames;
  std::vector<double> times_s;
  std::string first, second;  // questions
};

Item MakeStill(uint64_t index) {
  world::Rng rng(kSeed + index);
  world::SceneOptions options = world::TrainingOptions();
  options.panel_rate = 0;
  world::Scene scene = world::MakeUsableScene(&rng, 1, options);
  world::Picture p = world::Render(&scene, kSide, kSide);
  Item item;
  item.frames = {Image{p.width, p.height, p.rgb}};
  item.first = world::AskFamily(&rng, scene, "exist").question;
  item.second = "Describe the image.";
  return item;
}

Item MakeClip(uint64_t index) {
  for (uint64_t i = 0;; ++i) {
    auto e = world::MakeEvalItem(world::Split::kClips, kSeed, index * 1000 + i);
    if (e.images.size() != 16) continue;
    Item item;
    for (const auto& p : e.images) item.frames.push_back({p.width, p.height, p.rgb});
    item.times_s = e.times_s;
    item.first = e.questions[0].question;
    item.second = "What happens?";
    return item;
  }
}

struct Answer {
  double first_token_ms = 0, media_ms = 0, prefill_ms = 0;
  int prompt_tokens = 0, reused_tokens = 0;
  std::string reply;
};

// One server's worth of kept things: none, one or both kinds.
class Setup {
 public:
  Setup(const std::string& model, const VisionPipeline& vision, bool tokens, bool pages)
      : vision_(vision), cache_(tokens ? int64_t{1} << 28 : 0) {
    EngineOptions options;
    options.reuse_prefixes = pages;
    auto engine = Engine::Load(model, options);
    SL_CHECK(engine.ok());
    engine_ = *std::move(engine);
  }
  Answer Ask(const Item& item, const std::string& question) {
    Answer a;
    double from = NowMs();
    MediaItem file;  // named by its pixels, since no file is decoded here
    std::string pixels;
    for (const Image& f : item.frames) pixels.append(f.rgb.begin(), f.rgb.end());
    file.bytes = pixels;
    auto found = cache_.Get(MediaKey(file, "bench"), {}, [&]() -> StatusOr<MediaPtr> {
      SL_ASSIGN_OR_RETURN(EncodedMedia media, vision_.EncodeFrames(item.frames, item.times_s, {}));
      return std::make_shared<const EncodedMedia>(std::move(media));
    });
    SL_CHECK(found.ok());
    a.media_ms = NowMs() - from;
    GenerateRequest request;
    request.parts = {{found->media}, {question}};
    request.max_output_tokens = 32;
    auto summary = engine_->Generate(request, {}, [&](const Delta& d) {
      if (a.reply.empty()) a.first_token_ms = NowMs() - from;
      a.reply += d.text;
      return true;
    });
    SL_CHECK(summary.ok());
    a.prefill_ms = summary->prefill_ms;
    a.prompt_tokens = summary->prompt_tokens;
    a.reused_tokens = summary->reused_tokens;
    return a;
  }

 private:
  const VisionPipeline& vision_;
  VisualCache cache_;
  std::unique_ptr<Engine> engine_;
};

struct Samples {
  std::vector<double> first_token_ms, media_ms, prefill_ms, prompt_tokens, reused_tokens;
  void Add(const Answer& a) {
    first_token_ms.push_back(a.first_token_ms);
    media_ms.push_back(a.media_ms);
    prefill_ms.push_back(a.prefill_ms);
    prompt_tokens.push_back(a.prompt_tokens);
    reused_tokens.push_back(a.reused_tokens);
  }
};

constexpr std::pair<bool, bool> kSetups[] = {
    {false, false}, {true, false}, {false, true}, {true, true}};

// Second questions of every item, by setup. A fresh setup a run, so that first questions are cold;
// each run begins with the next one, so that none always has the same place.
bool Measure(const Options& o, const VisionPipeline& vision, const std::vector<Item>& items,
             std::map<size_t, Samples>* out) {
  bool equal = true;
  std::map<std::pair<const Item*, std::string>, std::string> replies;  // by item and question
  auto ask = [&](Setup* setup, const Item& item, const std::string& question) {
    Answer a = setup->Ask(item, question);
    auto [at, fresh] = replies.insert({{&item, question}, a.reply});
    equal = equal && (fresh || at->second == a.reply);
    return a;
  };
  constexpr size_t kCount = std::size(kSetups);
  for (size_t run = 0; run < static_cast<size_t>(o.runs); ++run) {
    for (size_t turn = 0; turn < kCount; ++turn) {
      size_t s = (run + turn) % kCount;
      Setup setup(o.model, vision, kSetups[s].first, kSetups[s].second);
      for (const Item& item : items) ask(&setup, item, item.first);
      for (const Item& item : items) (*out)[s].Add(ask(&setup, item, item.second));
    }
  }
  return equal;
}

Json Report(const Options& o, const VisionPipeline& vision, const char* kind, bool* equal) {
  std::vector<Item> items;
  for (uint64_t i = 0; i < static_cast<uint64_t>(o.items); ++i)
    items.push_back(std::string(kind) == "still" ? MakeStill(i) : MakeClip(i));
  std::map<size_t, Samples> samples;
  *equal = Measure(o, vision, items, &samples) && *equal;
  Json rows = Json::array();
  double cold = Median(samples[0].first_token_ms);
  for (const auto& [s, v] : samples) {
    double first = Median(v.first_token_ms);
    rows.push_back({{"media", kind},
                    {"visual_tokens_kept", kSetups[s].first},
                    {"pages_kept", kSetups[s].second},
                    {"first_token_ms", first},
                    {"media_ms", Median(v.media_ms)},
                    {"prefill_ms", Median(v.prefill_ms)},
                    {"prompt_tokens", Median(v.prompt_tokens)},
                    {"reused_tokens", Median(v.reused_tokens)},
                    {"gain", cold / first}});
  }
  return rows;
}

int Run(const Options& o) {
  auto vision = VisionPipeline::Load(o.model);
  if (!vision.ok()) {
    std::fprintf(stderr, "%s\n", std::string(vision.status().message()).c_str());
    return 1;
  }
  bool equal = true;
  Json rows = Json::array();
  for (const char* kind : {"still", "clip"}) {
    for (Json& row : Report(o, **vision, kind, &equal)) rows.push_back(row);
  }
  if (o.json) {
    Json out = {{"model", o.model},
                {"threads", ComputeThreads()},
                {"replies_equal", equal},
                {"rows", rows}};
    std::printf("%s\n", out.dump(2).c_str());
    return equal ? 0 : 1;
  }
  std::printf("%d threads, medians of %d items x %d runs; kept: visual tokens, KV pages\n",
              ComputeThreads(), o.items, o.runs);
  std::printf("%-6s %-8s %-6s %16s %10s %12s %16s %6s\n", "media", "tokens", "pages",
              "first token, ms", "media, ms", "prefill, ms", "reused", "gain");
  for (const Json& r : rows) {
    std::printf("%-6s %-8s %-6s %16.1f %10.1f %12.1f %9.0f of %4.0f %5.1fx\n",
                r["media"].get<std::string>().c_str(), r["visual_tokens_kept"] ? "yes" : "no",
                r["pages_kept"] ? "yes" : "no", r["first_token_ms"].get<double>(),
                r["media_ms"].get<double>(), r["prefill_ms"].get<double>(),
                r["reused_tokens"].get<double>(), r["prompt_tokens"].get<double>(),
                r["gain"].get<double>());
  }
  std::printf("replies equal in all: %s\n", equal ? "yes" : "NO");
  return equal ? 0 : 1;
}

}  // namespace
}  // namespace sightline::bench

int main(int argc, char** argv) {
  sightline::KeepTensorsInHeap();
  sightline::bench::Options o;
  for (int i = 1; i < argc; ++i) {
    std::string a = argv[i], next = i + 1 < argc ? argv[i + 1] : "";
    if (a == "--json") {
      o.json = true;
      continue;
    }
    ++i;
    int number = std::max(1, std::atoi(next.c_str()));
    if (a == "--model") {
      o.model = next;
    } else if (a == "--items") {
      o.items = number;
    } else if (a == "--runs") {
      o.runs = number;
    } else if (a == "--threads") {
      sightline::SetComputeThreads(number);
    } else {
      std::fprintf(stderr, "unknown option %s\n", a.c_str());
      return 2;
    }
  }
  return sightline::bench::Run(o);
}
