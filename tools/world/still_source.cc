#include "tools/world/still_source.h"

namespace sightline::world {
namespace {

// The last object of a held-out combination, -1 if none.
int HeldOutObject(const Scene& s) {
  int at = -1;
  for (size_t i = 0; i < s.objects.size(); ++i) {
    if (IsHeldOut(s.objects[i].colour, s.objects[i].shape)) at = static_cast<int>(i);
  }
  return at;
}

}  // namespace

Scene MakeStill(Rng* rng, double aspect, StillSource source, bool panels) {
  SceneOptions o = TrainingOptions();
  bool heldout = source == StillSource::kHeldout;
  o.force_heldout = heldout;
  if (heldout || !panels) o.panel_rate = 0;
  for (;;) {
    Scene s = MakeUsableScene(rng, aspect, o);
    if (!heldout || HeldOutObject(s) >= 0) return s;
  }
}

void ChooseFocus(StillSource source, Scene* scene) {
  if (source == StillSource::kHeldout) scene->focus = HeldOutObject(*scene);
}

}  // namespace sightline::world
