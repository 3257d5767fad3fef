// From logits to a token: penalties, temperature, top-k, top-p, a seeded draw. Temperature 0 is
// greedy.
#pragma once

#include <cstdint>
#include <vector>

namespace sightline {

struct SamplingOptions {
  double temperature = 0;  // 0 (greedy) to 2
  int top_k = 0;           // 0: off
  double top_p = 1;        // 1: off
  double repetition_penalty =
      1;  // 1: off; divides positive and multiplies negative logits of seen tokens
  double presence_penalty = 0;   // subtracted once from each generated token's logit
  double frequency_penalty = 0;  // subtracted once per occurrence
  uint64_t seed = 0;
};

// Deterministic for a seed on every platform. One per sequence; not thread-safe.
class Sampler {
 public:
  explicit Sampler(const SamplingOptions& options) : options_(options), state_(options.seed) {}
  // `logits` [vocab] is changed; `generated` are the tokens so far.
  int32_t Next(std::vector<float>* logits, const std::vector<int32_t>& generated);

 private:
  double Uniform();
  SamplingOptions options_;
  uint64_t state_;
};

}  // namespace sightline
