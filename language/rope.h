// Rotary positions (RoFormer, arXiv 2104.09864), half-split layout: pair i of a head is channels
// (i, i + D/2), turned by position * f_i with f_i = theta^(-2i/D), rescaled for long contexts. With
// sections (M-RoPE, Qwen2-VL, arXiv 2409.12191) a token has three positions (time, row, column) and
// each pair listens to one of them.
#pragma once

#include <cstdint>
#include <vector>

#include "compute/ops/decoder_ops.h"

namespace sightline::language {

struct RopeScaling {
  enum class Kind { kNone, kLinear, kLlama3, kYarn, kFactors };
  Kind kind = Kind::kNone;
  double factor = 1;  // slow pairs, of kLinear all, turn `factor` times slower
  // kLlama3: pairs with wave lengths below original / high keep their speed, above original / low
  // they are slowed.
  double low_freq_factor = 1, high_freq_factor = 4, original_context = 8192;
  // kYarn (arXiv 2309.00071): pairs that turn more than `beta_fast` times over the original context
  // keep their speed, below `beta_slow` they are slowed; a ramp over the pairs between, whose ends
  // are whole pairs when `whole_pairs`. Cosines and sines are scaled by `attention_factor`.
  double beta_fast = 32, beta_slow = 1, attention_factor = 1;
  bool whole_pairs = true;
  std::vector<float> factors;  // kFactors: what divides the speed of each pair, [D/2]
};

struct RopeSpec {
  int64_t dim = 0;  // D
  double theta = 10000;
  RopeScaling scaling;
  std::vector<int64_t> sections;  // pairs of (t, h, w); sums to D/2; empty: all pairs take t
  bool interleaved = false;
};

// Const after construction; thread-safe.
class RopeTable {
 public:
  RopeTable() = default;
  explicit RopeTable(const RopeSpec& spec);
  // positions [3, T]: stream s of token t at positions[s * T + t].
  RowAngles Angles(const std::vector<int32_t>& positions) const;
  const std::vector<float>& frequencies() const { return frequency_; }
  const std::vector<uint8_t>& streams() const { return stream_; }

 private:
  float scale_ = 1;               // of cosines and sines
  std::vector<float> frequency_;  // [D/2], radians per position
  std::vector<uint8_t> stream_;   // [D/2], which of the three positions
};

}  // namespace sightline::language
