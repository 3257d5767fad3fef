// Evaluation items of every split: pictures, clips, questions. Deterministic by (split, seed,
// index).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/world/clip.h"
#include "tools/world/qa.h"
#include "tools/world/render.h"

namespace sightline::world {

enum class Split {
  kTrain,
  kIid,
  kHeldout,
  kPriorBroken,
  kPopeRandom,
  kPopePopular,
  kPopeAdversarial,
  kLabels,
  kCaptions,
  kBoxes,
  kClips,
  kPairs,
  kWording,      // iid scenes, every form of question, in words kept from training
  kWordingClips  // the same of clips
};
std::optional<Split> ParseSplit(const std::string& name);
const std::vector<std::string>& SplitNames();

struct EvalItem {
  std::vector<Picture> images;  // one or two stills, or the sampled frames of a clip
  std::vector<double> times_s;  // of the frames; empty for stills
  double duration_s = 0;
  std::vector<Qa> questions;
};

// Options of training scenes; other splits change one thing each.
SceneOptions TrainingOptions();
// A scene with at least one object; `rng` decides everything.
Scene MakeUsableScene(Rng* rng, double aspect, const SceneOptions& options);
// How often shape b stands in a scene that holds shape a, in training; [a][a] is a's own frequency.
const std::array<std::array<double, kShapes>, kShapes>& CoOccurrence();
EvalItem MakeEvalItem(Split split, uint64_t seed, uint64_t index);

}  // namespace sightline::world
