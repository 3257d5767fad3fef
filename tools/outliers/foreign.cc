#include "tools/outliers/foreign.h"

#include <cmath>

namespace sightline::outliers {

const std::vector<Kind>& Kinds() {
  static const std::vector<Kind> kAll = [] {
    std::vector<Kind> all;
    for (const auto* family : {&kPages, &kPlots, &kNoises, &kGradients, &kMaps, &kTextures}) {
      all.insert(all.end(), family->begin(), family->end());
    }
    return all;
  }();
  return kAll;
}

Picture Render(size_t kind, uint64_t seed) {
  Rng rng(world::Mix(seed) ^ (kind + 1) * 0xC2B2AE3D27D4EB4Full);
  double aspect = std::exp(rng.Range(-std::log(2.0), std::log(2.0))), side = rng.Range(311, 450);
  Canvas canvas(static_cast<int>(side * std::sqrt(aspect)),
                static_cast<int>(side / std::sqrt(aspect)));
  Kinds()[kind].draw(&rng, &canvas);
  return world::ToPicture(canvas);
}

}  // namespace sightline::outliers
