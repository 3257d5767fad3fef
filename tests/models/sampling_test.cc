#include "language/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

namespace sightline {
namespace {

std::vector<float> Logits(size_t n, std::mt19937* rng, float scale) {
  std::normal_distribution<float> value(0, scale);
  std::vector<float> l(n);
  for (float& x : l) x = value(*rng);
  return l;
}

// What may be drawn and how likely, by sorting everything.
std::map<int32_t, double> Reference(const std::vector<float>& l, const SamplingOptions& o) {
  std::vector<std::pair<double, int32_t>> all;
  double top = *std::max_element(l.begin(), l.end()), sum = 0;
  for (size_t i = 0; i < l.size(); ++i)
    all.push_back({std::exp((l[i] - top) / o.temperature), static_cast<int32_t>(i)});
  std::stable_sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.first > b.first; });
  if (o.top_k > 0) all.resize(std::min(all.size(), static_cast<size_t>(o.top_k)));
  for (auto& [p, id] : all) sum += p;
  std::map<int32_t, double> out;
  double mass = 0;
  for (auto& [p, id] : all) {
    if (mass >= o.top_p * sum) break;
    mass += p;
    out[id] = p;
  }
  for (auto& [id, p] : out) p /= mass;
  return out;
}

TEST(Sampler, DrawsAsOftenAsTheLogitsSay) {
  std::mt19937 rng(std::random_device{}());
  SamplingOptions kinds[4];
  for (SamplingOptions& o : kinds) o.temperature = 0.8;
  kinds[1].top_k = 5;
  kinds[2].top_p = 0.7;
  kinds[3].top_k = 20, kinds[3].top_p = 0.9;
  for (SamplingOptions o : kinds) {
    std::vector<float> logits = Logits(300, &rng, 1.5f);
    std::map<int32_t, double> want = Reference(logits, o);
    std::map<int32_t, int> got;
    o.seed = rng();
    Sampler sampler(o);
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) {
      std::vector<float> copy = logits;
      ++got[sampler.Next(&copy, {})];
    }
    for (const auto& [id, n] : got) EXPECT_TRUE(want.contains(id)) << id;
    for (const auto& [id, p] : want) {
      double n = got.contains(id) ? got[id] : 0;
      EXPECT_NEAR(n / kDraws, p, 6 * std::sqrt(p / kDraws) + 1e-3) << id;
    }
  }
}

TEST(Sampler, ASeedAlwaysDrawsTheSame) {
  std::mt19937 rng(std::random_device{}());
  SamplingOptions o;
  o.temperature = 1.3;
  o.seed = rng();
  Sampler a(o), b(o);
  for (int i = 0; i < 50; ++i) {
    std::vector<float> x = Logits(5000, &rng, 0.3f), y = x;  // flat: far down the ranking
    EXPECT_EQ(a.Next(&x, {}), b.Next(&y, {}));
  }
}

TEST(Sampler, GreedyTakesTheFirstOfTheHighest) {
  Sampler s({});
  std::vector<float> l = {1, 3, 2, 3};
  EXPECT_EQ(s.Next(&l, {}), 1);
}

TEST(Sampler, PenaltiesFallOnGeneratedTokens) {
  SamplingOptions o;
  o.repetition_penalty = 2;
  Sampler repetition(o);
  std::vector<float> l = {4, 3, -1};
  EXPECT_EQ(repetition.Next(&l, {0, 2}), 1);
  EXPECT_EQ(l, (std::vector<float>{2, 3, -2}));
  o = {};
  o.presence_penalty = 0.5;
  o.frequency_penalty = 0.25;
  Sampler counts(o);
  l = {4, 3.5f, 1};
  EXPECT_EQ(counts.Next(&l, {0, 0}), 1);
  EXPECT_EQ(l, (std::vector<float>{3, 3.5f, 1}));
}

}  // namespace
}  // namespace sightline
