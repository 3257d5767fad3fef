#include "tools/world/world.h"

#include <algorithm>
#include <cmath>

#include "tools/world/wording.h"

namespace sightline::world {

const std::vector<std::string>& SplitNames() {
  static const std::vector<std::string> kNames = {"train",
                                                  "iid",
                                                  "heldout",
                                                  "prior_broken",
                                                  "pope_random",
                                                  "pope_popular",
                                                  "pope_adversarial",
                                                  "labels",
                                                  "captions",
                                                  "boxes",
                                                  "clips",
                                                  "pairs",
                                                  "wording",
                                                  "wording_clips"};
  return kNames;
}

std::optional<Split> ParseSplit(const std::string& name) {
  const auto& names = SplitNames();
  auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end()) return std::nullopt;
  return static_cast<Split>(it - names.begin());
}

SceneOptions TrainingOptions() { return {}; }

Scene MakeUsableScene(Rng* rng, double aspect, const SceneOptions& options) {
  for (;;) {
    Scene s =
        rng->Chance(options.panel_rate) ? MakePanel(rng, aspect) : MakeScene(rng, aspect, options);
    if (!s.objects.empty()) return s;
  }
}

const std::array<std::array<double, kShapes>, kShapes>& CoOccurrence() {
  static const auto kMatrix = [] {
    std::array<std::array<double, kShapes>, kShapes> m{};
    Rng rng(20260901);
    constexpr int kScenes = 20000;
    SceneOptions o = TrainingOptions();
    o.panel_rate = 0;
    std::array<double, kShapes> n{};
    for (int i = 0; i < kScenes; ++i) {
      Scene s = MakeScene(&rng, 1.0, o);
      std::array<bool, kShapes> has{};
      for (const Object& ob : s.objects) has[static_cast<size_t>(ob.shape)] = true;
      for (size_t a = 0; a < kShapes; ++a) {
        n[a] += has[a];
        for (size_t b = 0; b < kShapes; ++b) m[a][b] += has[a] && has[b] && a != b;
      }
    }
    for (size_t a = 0; a < kShapes; ++a) {
      for (size_t b = 0; b < kShapes; ++b)
        m[a][b] = a == b ? n[a] / kScenes : m[a][b] / std::max(1.0, n[a]);
    }
    return m;
  }();
  return kMatrix;
}

namespace {

double RandomAspect(Rng* rng) { return std::exp(rng->Range(-std::log(3.0), std::log(3.0))); }

// Sizes callers send: areas from 200 x 200 to about 640 x 480.
void NativeSize(Rng* rng, double aspect, int* w, int* h) {
  double side = rng->Range(240, 560);
  *w = std::max(96, static_cast<int>(side * std::sqrt(aspect)));
  *h = std::max(96, static_cast<int>(side / std::sqrt(aspect)));
}

int AbsentShape(Rng* rng, const Scene& s, Split split) {
  const auto& co = CoOccurrence();
  std::array<bool, kShapes> has{};
  for (const Object& o : s.objects) has[static_cast<size_t>(o.shape)] = true;
  std::vector<int> absent;
  for (int i = 0; i < kShapes; ++i) {
    if (!has[static_cast<size_t>(i)]) absent.push_back(i);
  }
  if (absent.empty()) return -1;
  if (split == Split::kPopeRandom) return rng->Pick(absent);
  auto value = [&](int shape) {
    auto b = static_cast<size_t>(shape);
    if (split == Split::kPopePopular) return co[b][b];
    double best = 0;
    for (size_t a = 0; a < kShapes; ++a) best = has[a] && a != b ? std::max(best, co[a][b]) : best;
    return best;
  };
  // One of the three strongest, so that questions vary.
  std::sort(absent.begin(), absent.end(), [&](int a, int b) { return value(a) > value(b); });
  return absent[static_cast<size_t>(rng->Int(
      std::min<int>(split == Split::kPopePopular ? 3 : 2, static_cast<int>(absent.size()))))];
}

void AskPope(Rng* rng, const Scene& s, Split split, std::vector<Qa>* out) {
  int absent = AbsentShape(rng, s, split);
  Qa yes, no;
  AskExistShape(rng, s, rng->Pick(s.objects).shape, &yes);
  out->push_back(yes);
  if (absent >= 0 && AskExistShape(rng, s, absent, &no)) out->push_back(no);
}

EvalItem MakeClipItem(Rng* rng, bool unseen) {
  EvalItem item;
  double aspect = std::exp(rng->Range(-0.4, 0.6));
  item.duration_s = std::round(rng->Range(2, 30) * 10) / 10;
  Clip clip = MakeClip(rng, aspect, item.duration_s);
  item.times_s = SampleTimes(item.duration_s);
  double side = rng->Range(128, 256);
  item.images = RenderFrames(clip, item.times_s, static_cast<int>(side * std::sqrt(aspect)),
                             static_cast<int>(side / std::sqrt(aspect)));
  while (item.questions.size() < 2) {
    Qa qa;
    if (unseen ? AskAboutClipUnseen(rng, clip, &qa) : AskAboutClip(rng, clip, &qa))
      item.questions.push_back(qa);
  }
  return item;
}

bool IsPope(Split split) {
  return split == Split::kPopeRandom || split == Split::kPopePopular ||
         split == Split::kPopeAdversarial;
}

SceneOptions OptionsOf(Split split) {
  SceneOptions o = TrainingOptions();
  if (split == Split::kPriorBroken) o.prior = 0.1, o.colour_prior = 0.1;
  if (split == Split::kHeldout) o.force_heldout = true;
  if (IsPope(split) || split == Split::kHeldout || split == Split::kPriorBroken ||
      split == Split::kPairs)
    o.panel_rate = 0;
  if (split == Split::kLabels) o.label_rate = 1;
  return o;
}

// Whether a scene holds what the split is about.
bool Fits(Split split, const Scene& s) {
  auto any = [&s](auto&& is) { return std::any_of(s.objects.begin(), s.objects.end(), is); };
  if (split == Split::kLabels) return any([](const Object& o) { return !o.label.empty(); });
  if (split == Split::kHeldout)
    return any([](const Object& o) { return IsHeldOut(o.colour, o.shape); });
  return true;
}

// A scene of the split, and its picture.
Scene MakeStillOf(Rng* rng, Split split, std::vector<Picture>* images) {
  SceneOptions o = OptionsOf(split);
  double aspect = RandomAspect(rng);
  int w, h;
  NativeSize(rng, aspect, &w, &h);
  Scene s;
  do {
    s = MakeUsableScene(rng, static_cast<double>(w) / h, o);
  } while (!Fits(split, s));
  images->push_back(Render(&s, w, h));
  for (size_t k = 0; k < s.objects.size() && o.force_heldout; ++k) {
    if (IsHeldOut(s.objects[k].colour, s.objects[k].shape)) s.focus = static_cast<int>(k);
  }
  return s;
}

// Up to three questions of any family but captions, no two alike.
void AskSeveral(Rng* rng, const Scene& s, std::vector<Qa>* out) {
  for (int tries = 0; tries < 40 && out->size() < 3; ++tries) {
    Qa qa = AskRandom(rng, s);
    bool again = std::any_of(out->begin(), out->end(),
                             [&](const Qa& q) { return q.question == qa.question; });
    if (qa.family != "caption" && !again) out->push_back(qa);
  }
}

// Up to three in words that training never saw.
void AskSeveralUnseen(Rng* rng, const Scene& s, std::vector<Qa>* out) {
  for (int tries = 0; tries < 40 && out->size() < 3; ++tries) {
    Qa qa;
    if (AskUnseen(rng, s, &qa)) out->push_back(qa);
  }
}

void AskOfSplit(Rng* rng, Split split, const std::vector<Scene>& scenes, std::vector<Qa>* out) {
  const Scene& s = scenes[0];
  if (IsPope(split)) return AskPope(rng, s, split, out);
  if (split == Split::kWording) return AskSeveralUnseen(rng, s, out);
  Qa qa;
  if (split == Split::kPairs) {
    while (!AskAboutPair(rng, scenes[0], scenes[1], &qa)) qa = {};
  } else if (split == Split::kCaptions) {
    AskCaption(rng, s, &qa);
  } else if (split == Split::kBoxes || split == Split::kLabels) {
    const char* family = split == Split::kBoxes ? "box" : "label";
    qa = AskFamily(rng, s, family);
    // One that fits no object falls back to another question: these splits keep only their own.
    if (qa.family != family) return;
  } else {
    return AskSeveral(rng, s, out);
  }
  out->push_back(qa);
}

}  // namespace

EvalItem MakeEvalItem(Split split, uint64_t seed, uint64_t index) {
  Rng rng(Mix(seed * 0x100000001B3ull + 0xE7A1u + static_cast<uint64_t>(split)) ^
          Mix(index + 0x51EDu));
  if (split == Split::kClips || split == Split::kWordingClips)
    return MakeClipItem(&rng, split == Split::kWordingClips);
  EvalItem item;
  std::vector<Scene> scenes(split == Split::kPairs ? 2 : 1);
  for (Scene& s : scenes) s = MakeStillOf(&rng, split, &item.images);
  AskOfSplit(&rng, split, scenes, &item.questions);
  return item;
}

}  // namespace sightline::world
