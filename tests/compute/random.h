// Random inputs for the compute tests: normal, never zero throughout, the same on every run.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace sightline {

using Rng = std::mt19937_64;

inline std::vector<float> Normal(int64_t n, Rng& rng, float scale = 1.0f) {
  std::normal_distribution<float> draw(0.0f, scale);
  std::vector<float> v(static_cast<size_t>(n));
  for (float& x : v) x = draw(rng);
  return v;
}

inline int64_t Between(int64_t low, int64_t high, Rng& rng) {
  return std::uniform_int_distribution<int64_t>(low, high)(rng);
}

}  // namespace sightline
