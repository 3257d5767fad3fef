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

}  // namespace

EvalItem MakeEvalItem(Split split, uint64_t seed, uint64_t index) {
  Rng rng(Mix(seed * 0x100000001B3ull + 0xE7A1u + static_cast<uint64_t>(split)) ^
          Mix(index + 0x51EDu));
  if (split == Split::kClips || split == Split::kWordingClips)
    return MakeClipItem(&rng, split == Split::kWordingClips);
  SceneOptions o = TrainingOptions();
  bool pope = split == Split::kPopeRandom || split == Split::kPopePopular ||
              split == Split::kPopeAdversarial;
  if (split == Split::kPriorBroken) o.prior = 0.1, o.colour_prior = 0.1;
  if (split == Split::kHeldout) o.force_heldout = true;
  if (pope || split == Split::kHeldout || split == Split::kPriorBroken) o.panel_rate = 0;
  if (split == Split::kLabels) o.label_rate = 1;
  EvalItem item;
  int stills = split == Split::kPairs ? 2 : 1;
  std::vector<Scene> scenes;
  for (int i = 0; i < stills; ++i) {
    double aspect = RandomAspect(&rng);
    int w, h;
    NativeSize(&rng, aspect, &w, &h);
    if (split == Split::kPairs) o.panel_rate = 0;
    Scene s;
    for (;;) {
      s = MakeUsableScene(&rng, static_cast<double>(w) / h, o);
      bool labelled = std::any_of(s.objects.begin(), s.objects.end(),
                                  [](const Object& ob) { return !ob.label.empty(); });
      if (split == Split::kLabels && !labelled) continue;
      bool held = std::any_of(s.objects.begin(), s.objects.end(),
                              [](const Object& ob) { return IsHeldOut(ob.colour, ob.shape); });
      if (o.force_heldout && !held) continue;
      break;
    }
    item.images.push_back(Render(&s, w, h));
    for (size_t k = 0; k < s.objects.size() && o.force_heldout; ++k) {
      if (IsHeldOut(s.objects[k].colour, s.objects[k].shape)) s.focus = static_cast<int>(k);
    }
    scenes.push_back(s);
  }
  const Scene& s = scenes[0];
  if (pope) {
    AskPope(&rng, s, split, &item.questions);
  } else if (split == Split::kPairs) {
    Qa qa;
    while (!AskAboutPair(&rng, scenes[0], scenes[1], &qa)) qa = {};
    item.questions.push_back(qa);
  } else if (split == Split::kCaptions) {
    Qa qa;
    AskCaption(&rng, s, &qa);
    item.questions.push_back(qa);
  } else if (split == Split::kBoxes || split == Split::kLabels) {
    item.questions.push_back(AskFamily(&rng, s, split == Split::kBoxes ? "box" : "label"));
  } else if (split == Split::kWording) {
    for (int tries = 0; tries < 40 && item.questions.size() < 3; ++tries) {
      Qa qa;
      if (AskUnseen(&rng, s, &qa)) item.questions.push_back(qa);
    }
  } else {
    for (int tries = 0; tries < 40 && item.questions.size() < 3; ++tries) {
      Qa qa = AskRandom(&rng, s);
      bool again = std::any_of(item.questions.begin(), item.questions.end(),
                               [&](const Qa& q) { return q.question == qa.question; });
      if (qa.family != "caption" && !again) item.questions.push_back(qa);
    }
  }
  // A family that fits no object falls back to another question: splits of one family keep only
  // their own.
  if (split == Split::kBoxes || split == Split::kLabels) {
    std::erase_if(item.questions, [&](const Qa& q) {
      return q.family != (split == Split::kBoxes ? "box" : "label");
    });
  }
  return item;
}

}  // namespace sightline::world
