#include "language/sampling.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace sightline {
namespace {

// Tokens from the most likely on; of equal ones the lower id first. Sorted only as far as asked: a
// vocabulary is large, and a draw rarely looks far.
class Ranking {
 public:
  explicit Ranking(const std::vector<float>& logits) : logits_(logits), order_(logits.size()) {
    std::iota(order_.begin(), order_.end(), 0);
  }
  int32_t At(size_t rank) {
    while (rank >= sorted_) Extend();
    return order_[rank];
  }

 private:
  void Extend() {
    auto before = [this](int32_t a, int32_t b) {
      float x = logits_[static_cast<size_t>(a)], y = logits_[static_cast<size_t>(b)];
      return x != y ? x > y : a < b;
    };
    auto at = [this](size_t i) { return order_.begin() + static_cast<int64_t>(i); };
    size_t next = std::min(order_.size(), std::max<size_t>(64, 8 * sorted_));
    if (next < order_.size()) std::nth_element(at(sorted_), at(next), order_.end(), before);
    std::sort(at(sorted_), at(next), before);
    sorted_ = next;
  }
  const std::vector<float>& logits_;
  std::vector<int32_t> order_;
  size_t sorted_ = 0;
};

}  // namespace

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
  Ranking order(l);
  const double top = l[static_cast<size_t>(order.At(0))];
  auto weight = [&](int32_t id) {
    return std::exp((l[static_cast<size_t>(id)] - top) / options_.temperature);
  };
  size_t keep = l.size();
  double total = 0;
  if (options_.top_k > 0 && static_cast<size_t>(options_.top_k) < keep) {
    keep = static_cast<size_t>(options_.top_k);
    for (size_t i = 0; i < keep; ++i) total += weight(order.At(i));
  } else {
    for (size_t id = 0; id < keep; ++id) total += weight(static_cast<int32_t>(id));
  }
  if (options_.top_p < 1) {  // the smallest set whose mass reaches top_p
    double mass = 0;
    size_t n = 0;
    while (n < keep && mass < options_.top_p * total) mass += weight(order.At(n++));
    keep = std::max<size_t>(n, 1);
    total = mass;
  }
  double u = Uniform() * total;
  for (size_t i = 0; i + 1 < keep; ++i) {
    if ((u -= weight(order.At(i))) < 0) return order.At(i);
  }
  return order.At(keep - 1);
}

}  // namespace sightline
