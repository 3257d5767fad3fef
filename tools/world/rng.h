// Deterministic random numbers (SplitMix64): the same seed gives the same world everywhere.
#pragma once

#include <cmath>
#include <cstdint>
#include <iterator>
#include <vector>

namespace sightline::world {

inline uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(Mix(seed)) {}

  uint64_t Next() { return Mix(state_ += 0x9E3779B97F4A7C15ull); }
  // Uniform in [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  double Range(double lo, double hi) { return lo + (hi - lo) * Uniform(); }
  // Uniform in [0, n); n >= 1.
  int Int(int n) { return static_cast<int>(Uniform() * n); }
  int Int(int lo, int hi_inclusive) { return lo + Int(hi_inclusive - lo + 1); }
  bool Chance(double p) { return Uniform() < p; }
  double Normal() {
    return std::sqrt(-2 * std::log(1 - Uniform())) * std::cos(6.283185307179586 * Uniform());
  }
  template <typename T>
  const T& Pick(const std::vector<T>& v) {
    return v[static_cast<size_t>(Int(static_cast<int>(v.size())))];
  }
  int Weighted(const std::vector<double>& weights) {
    double sum = 0;
    for (double w : weights) sum += w;
    double x = Uniform() * sum;
    for (size_t i = 0; i < weights.size(); ++i) {
      if ((x -= weights[i]) < 0) return static_cast<int>(i);
    }
    return static_cast<int>(weights.size()) - 1;
  }
  // A row of a table, as likely as its `weight` says.
  template <typename Table>
  const auto& PickByWeight(const Table& rows) {
    std::vector<double> weights;
    weights.reserve(std::size(rows));
    for (const auto& row : rows) weights.push_back(row.weight);
    return *(std::begin(rows) + Weighted(weights));
  }
  template <typename T>
  void Shuffle(std::vector<T>* v) {
    for (size_t i = v->size(); i > 1; --i) {
      std::swap((*v)[i - 1], (*v)[static_cast<size_t>(Int(static_cast<int>(i)))]);
    }
  }

 private:
  uint64_t state_;
};

}  // namespace sightline::world
