#include "tools/world/c_api.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>

#include "tools/world/still_source.h"
#include "tools/world/tokens.h"
#include "tools/world/wording.h"
#include "tools/world/world.h"

namespace sightline::world {
namespace {

struct Handle {
  Tokens tokens;
  int threads = 1;
  std::vector<Tokens::Cache> caches;
  StillSource source = StillSource::kTraining;
  bool training() const { return source == StillSource::kTraining; }

  // Rows are independent; threads take the next free one.
  void ForEach(int n, const std::function<void(int row, Tokens::Cache*)>& work) {
    std::atomic<int> next{0};
    auto run = [&](int t) {
      for (int i = next++; i < n; i = next++) work(i, &caches[static_cast<size_t>(t)]);
    };
    std::vector<std::thread> pool;
    for (int t = 1; t < threads; ++t) pool.emplace_back(run, t);
    run(0);
    for (auto& t : pool) t.join();
  }
};

// Packs question-answer segments into a row of T tokens.
class Packer {
 public:
  Packer(const Handle& h, Tokens::Cache* cache, int text, int32_t* tokens, uint8_t* answer,
         int32_t* segment)
      : h_(h), cache_(cache), text_(text), tokens_(tokens), answer_(answer), segment_(segment) {
    std::fill(tokens, tokens + text, h.tokens.special("<|pad|>"));
    std::fill(answer, answer + text, uint8_t{0});
    std::fill(segment, segment + text, -1);
  }
  bool Add(const Qa& qa) {
    std::vector<int32_t> ids;
    h_.tokens.Encode(qa.question, cache_, &ids);
    ids.push_back(h_.tokens.special("<|assistant|>"));
    auto from = static_cast<int>(ids.size());
    h_.tokens.Encode(qa.answer, cache_, &ids);
    ids.push_back(h_.tokens.special("<|end|>"));
    auto n = static_cast<int>(ids.size());
    if (at_ + n > text_) return false;
    for (int i = 0; i < n; ++i) {
      tokens_[at_ + i] = ids[static_cast<size_t>(i)];
      answer_[at_ + i] = i >= from;
      segment_[at_ + i] = count_;
    }
    at_ += n;
    ++count_;
    return true;
  }
  bool Full() const { return at_ + 12 > text_; }

 private:
  const Handle& h_;
  Tokens::Cache* cache_;
  int text_, at_ = 0, count_ = 0;
  int32_t* tokens_;
  uint8_t* answer_;
  int32_t* segment_;
};

// The caller's picture behind a canvas: any aspect that maps to it, any size, so that stretch and
// resampling are learned.
struct Native {
  int width, height;
  double aspect() const { return static_cast<double>(width) / height; }
};
struct Aspects {
  std::vector<double> canvases;
  double beyond;  // how far callers go past the first and the last
};
Native PickNative(Rng* rng, double aspect, const Aspects& aspects, double side_px) {
  const std::vector<double>& canvases = aspects.canvases;
  size_t at = 0;
  for (size_t i = 1; i < canvases.size(); ++i) {
    if (std::fabs(std::log(canvases[i] / aspect)) < std::fabs(std::log(canvases[at] / aspect)))
      at = i;
  }
  double lo = at ? std::sqrt(canvases[at] * canvases[at - 1]) : canvases[at] / aspects.beyond;
  double hi = at + 1 < canvases.size() ? std::sqrt(canvases[at] * canvases[at + 1])
                                       : canvases[at] * aspects.beyond;
  double a = std::sqrt(std::exp(rng->Range(std::log(lo), std::log(hi))));
  return {static_cast<int>(side_px * a), static_cast<int>(side_px / a)};
}
const Aspects kStillAspects = {{1 / 3.0, 0.5, 0.6, 1, 5 / 3.0, 2, 3}, 1.03};
const Aspects kFrameAspects = {{2 / 3.0, 1, 1.5}, 1.25};

struct ClipRow {
  Rng rng;
  Native native;
  double duration_s;
  Clip clip;
};
// Row b of a batch of clips; the seed alone decides.
ClipRow MakeClipRow(uint64_t seed, int b, int n_frames, double canvas_aspect) {
  Rng rng(Mix(seed) ^ static_cast<uint64_t>(b + 1) * 0xA0761D6478BD642Full);
  double hi = n_frames / 2.0, lo = n_frames == 4 ? 1.6 : hi - 0.45;
  if (n_frames >= 32) hi = 30;
  double duration_s = std::round(rng.Range(lo, hi) * 10) / 10, side_px = rng.Range(120, 262);
  Native native = PickNative(&rng, canvas_aspect, kFrameAspects, side_px);
  Clip clip = MakeClip(&rng, native.aspect(), duration_s);
  return {rng, native, duration_s, std::move(clip)};
}

// What one look answers is learned from few questions; when and in what order things happen takes
// many.
bool KeepClipQuestion(Rng* rng, const std::string& family) {
  bool easy = family == "clip_count" || family == "clip_colour" || family == "clip_did" ||
              family == "clip_side";
  return !easy || rng->Chance(0.5);
}

void WriteObjects(const Scene& s, float* out) {
  std::fill(out, out + 12 * 16, -1.0f);
  for (int i = 0; i < 12; ++i) out[i * 16] = 0;
  for (size_t i = 0; i < s.objects.size() && i < 12; ++i) {
    const Object& o = s.objects[i];
    bool shape = o.kind == Kind::kShape, icon = o.kind == Kind::kIcon;
    if (o.visible < 0.2 || o.box.x1 <= o.box.x0) continue;
    float* f = out + i * 16;
    double v[11] = {1,
                    o.box.cx(),
                    o.box.cy(),
                    o.box.x1 - o.box.x0,
                    o.box.y1 - o.box.y0,
                    shape || icon ? o.shape : -1.0,
                    static_cast<double>(o.colour),
                    shape ? o.size : -1.0,
                    shape ? o.fill : -1.0,
                    static_cast<double>(o.kind),
                    static_cast<double>(o.label.size())};
    for (int k = 0; k < 11; ++k) f[k] = static_cast<float>(v[k]);
    for (size_t k = 0; k < o.label.size() && k < 5; ++k) {
      char c = o.label[k];
      f[11 + k] = static_cast<float>(c >= 'A' ? c - 'A' : 26 + c - '0');
    }
  }
}

}  // namespace
}  // namespace sightline::world

using namespace sightline::world;  // NOLINT: the C functions below are this file's only public
                                   // names

void* sl_world_create(const char* blob, size_t n, int threads) {
  auto h = std::make_unique<Handle>();
  h->threads = std::max(1, threads);
  h->caches.resize(static_cast<size_t>(h->threads));
  if (!h->tokens.Parse(std::string(blob, n))) return nullptr;
  return h.release();
}

void sl_world_destroy(void* world) { delete static_cast<Handle*>(world); }

void sl_world_measure(void* world, int heldout) {
  static_cast<Handle*>(world)->source = heldout ? StillSource::kHeldout : StillSource::kIid;
}

void sl_world_fill_images(void* world, uint64_t seed, int batch, int n_images, int width,
                          int height, int text, float outliers, uint8_t* pixels, int32_t* tokens,
                          uint8_t* is_answer, int32_t* segment, float* objects, float* domain) {
  auto* h = static_cast<Handle*>(world);
  size_t frame = static_cast<size_t>(width) * height * 3;
  h->ForEach(batch, [&](int b, Tokens::Cache* cache) {
    Rng rng(Mix(seed) ^ static_cast<uint64_t>(b + 1) * 0xD1B54A32D192ED03ull);
    Packer pack(*h, cache, text, tokens + b * text, is_answer + b * text, segment + b * text);
    domain[b] = n_images == 1 && rng.Chance(outliers) ? 1.0f : 0.0f;
    std::vector<Scene> scenes;
    for (int i = 0; i < n_images; ++i) {
      Picture p;
      Scene s;
      if (domain[b] > 0) {
        p = RenderOutlier(&rng, width, height);
      } else {
        double side_px = std::sqrt(static_cast<double>(width) * height) * rng.Range(0.92, 1.9);
        Native n = PickNative(&rng, static_cast<double>(width) / height, kStillAspects, side_px);
        s = MakeStill(&rng, n.aspect(), h->source, n_images == 1);
        p = Resize(Render(&s, n.width, n.height), width, height);
        ChooseFocus(h->source, &s);
      }
      auto at = static_cast<size_t>(b) * n_images + i;
      std::memcpy(pixels + at * frame, p.rgb.data(), frame);
      WriteObjects(s, objects + at * 12 * 16);
      scenes.push_back(std::move(s));
    }
    if (domain[b] > 0) return;
    if (n_images == 1 && rng.Chance(0.4)) {
      Qa qa;
      bool asked = AskCaption(&rng, scenes[0], &qa);
      if (asked && h->training() && rng.Chance(0.5)) Reword(&rng, Wording::kTraining, &qa);
      if (asked) pack.Add(qa);
    }
    for (int tries = 0, misses = 0; tries < 64 && misses < 4 && !pack.Full(); ++tries) {
      Qa qa;
      if (n_images > 1 && rng.Chance(0.8)) {
        auto ask = h->training() ? AskAboutPairForTraining : AskAboutPair;
        if (!ask(&rng, scenes[0], scenes[1], &qa)) continue;
      } else if (n_images > 1) {
        continue;
      } else {
        qa = h->training() ? AskForTraining(&rng, scenes[0]) : AskRandom(&rng, scenes[0]);
      }
      if (!pack.Add(qa)) ++misses;
    }
  });
}

void sl_world_fill_clips(void* world, uint64_t seed, int batch, int n_frames, int width, int height,
                         int text, uint8_t* pixels, float* times_s, int32_t* tokens,
                         uint8_t* is_answer, int32_t* segment) {
  auto* h = static_cast<Handle*>(world);
  size_t frame = static_cast<size_t>(width) * height * 3;
  h->ForEach(batch, [&](int b, Tokens::Cache* cache) {
    ClipRow row = MakeClipRow(seed, b, n_frames, static_cast<double>(width) / height);
    Packer pack(*h, cache, text, tokens + b * text, is_answer + b * text, segment + b * text);
    std::vector<double> times = SampleTimes(row.duration_s);
    std::vector<Picture> frames =
        RenderFrames(row.clip, times, row.native.width, row.native.height);
    for (Picture& p : frames) p = Resize(p, width, height);
    for (int f = 0; f < n_frames; ++f) {
      size_t from = std::min(static_cast<size_t>(f), frames.size() - 1);
      std::memcpy(pixels + (static_cast<size_t>(b) * n_frames + f) * frame, frames[from].rgb.data(),
                  frame);
      times_s[b * n_frames + f] = static_cast<float>(times[from]);
    }
    for (int tries = 0, misses = 0; tries < 96 && misses < 4 && !pack.Full(); ++tries) {
      Qa qa;
      auto ask = h->training() ? AskAboutClipForTraining : AskAboutClip;
      if (ask(&row.rng, row.clip, &qa) && KeepClipQuestion(&row.rng, qa.family) && !pack.Add(qa))
        ++misses;
    }
  });
}

void sl_world_clip_events(void* world, uint64_t seed, int batch, int n_frames, int width,
                          int height, uint8_t* labels) {
  constexpr size_t kTypes = 8;
  auto* h = static_cast<Handle*>(world);
  h->ForEach(batch, [&](int b, Tokens::Cache*) {
    ClipRow row = MakeClipRow(seed, b, n_frames, static_cast<double>(width) / height);
    std::vector<double> times = SampleTimes(row.duration_s);
    auto frames = static_cast<size_t>(n_frames);
    uint8_t* out = labels + static_cast<size_t>(b) * frames * kTypes * kShapes;
    std::fill(out, out + frames * kTypes * kShapes, uint8_t{0});
    for (const Event& e : row.clip.events) {
      auto shown = static_cast<size_t>(std::lower_bound(times.begin(), times.end(), e.time_s) -
                                       times.begin());
      size_t frame = std::min({shown, times.size() - 1, frames - 1});
      for (int object : {e.object, e.other}) {
        if (object < 0) continue;
        auto shape = static_cast<size_t>(row.clip.base.objects[static_cast<size_t>(object)].shape);
        out[(frame * kTypes + static_cast<size_t>(e.type)) * kShapes + shape] = 1;
      }
    }
  });
}

size_t sl_world_corpus(uint64_t seed, int lines, char* out, size_t capacity) {
  Rng rng(seed);
  std::string text;
  SceneOptions o = TrainingOptions();
  auto add = [&text](const Qa& qa) {
    bool free = !qa.is_box && qa.family != "label" &&
                qa.question.find("label") == std::string::npos &&
                qa.answer.find("label") == std::string::npos &&
                qa.answer.find("titled") == std::string::npos;
    if (free) text += qa.question + " " + qa.answer + "\n";
  };
  for (int i = 0; i < lines && text.size() < capacity; ++i) {
    Qa qa;
    if (i % 4 == 0) {
      Clip clip = MakeClip(&rng, 1.0, rng.Range(3, 20));
      if (AskAboutClip(&rng, clip, &qa)) add(qa);
      continue;
    }
    Scene s = MakeUsableScene(&rng, 1.0, o), t = MakeUsableScene(&rng, 1.0, o);
    for (Scene* scene : {&s, &t}) {  // positions stand in for what the renderer would measure
      for (Object& ob : scene->objects) {
        ob.box = {ob.u - 0.05, ob.v - 0.05, ob.u + 0.05, ob.v + 0.05};
        if (!scene->panel || rng.Chance(0.8)) ob.label.clear();
      }
    }
    if (i % 16 == 1 && !s.panel && !t.panel) {
      if (AskAboutPair(&rng, s, t, &qa)) add(qa);
    } else {
      add(AskRandom(&rng, s));
    }
  }
  // The words that come with labels, without a label.
  for (const char* w : {" labelled", " labeled", " with the label", " that says", " marked",
                        " the title", "Read the text", "what is written on", " a panel titled"}) {
    for (int i = 0; i < 40; ++i) text += std::string(w) + "\n";
  }
  size_t n = std::min(capacity, text.size());
  std::copy_n(text.begin(), n, out);  // as counted: no end mark
  return n;
}
