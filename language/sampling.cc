#include "language/sampling.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace sightline {

double Sampler::Uniform() {  // SplitMix64
  uint64_t x = state_ += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return static_cast<double>((x ^ (x >> 31)) >> 11) * 0x1.0p-53;
}

int32_t Sampler::Next(std::vector<float>* logits, const std::vector<int32_t>& generated) {
  std::vector<float>& l = *logits;
  std::map<int32_t, int> seen;
  for (int32_t id : generated) ++seen[id];
  for (const auto& [id, n] : seen) {
    auto& x = l[static_cast<size_t>(id)];
    if (options_.repetition_penalty != 1)
      x = static_cast<float>(x > 0 ? x / options_.repetition_penalty
                                   : x * options_.repetition_penalty);
    x -= static_cast<float>(options_.presence_penalty + n * options_.frequency_penalty);
  }
  if (options_.temperature <= 0)
    return static_cast<int32_t>(std::max_element(l.begin(), l.end()) - l.begin());
  std::vector<int32_t> order(l.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    float x = l[static_cast<size_t>(a)], y = l[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  });
  size_t keep = options_.top_k > 0
                    ? std::min<size_t>(order.size(), static_cast<size_t>(options_.top_k))
                    : order.size();
  std::vector<double> p(keep);
  double top = l[static_cast<size_t>(order[0])], sum = 0;
  for (size_t i = 0; i < keep; ++i)
    sum += p[i] = std::exp((l[static_cast<size_t>(order[i])] - top) / options_.temperature);
  double mass = 0;
  for (size_t i = 0; i < keep; ++i) {  // the smallest set whose mass reaches top_p
    mass += p[i] / sum;
    if (mass >= options_.top_p) keep = i + 1;
  }
  double total = 0;
  for (size_t i = 0; i < keep; ++i) total += p[i];
  double u = Uniform() * total;
  for (size_t i = 0; i + 1 < keep; ++i) {
    if ((u -= p[i]) < 0) return order[i];
  }
  return order[keep - 1];
}

}  // namespace sightline
