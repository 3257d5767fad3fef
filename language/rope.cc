#include "language/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "compute/base/check.h"

namespace sightline::language {
namespace {

// The pair, as a fraction, that turns `turns` times over the original context.
double PairOf(double turns, const RopeSpec& spec) {
  double wave = spec.scaling.original_context / (turns * 2 * std::numbers::pi);
  return static_cast<double>(spec.dim) * std::log(wave) / (2 * std::log(spec.theta));
}

double YarnScaled(double f, int64_t pair, const RopeSpec& spec) {
  const RopeScaling& s = spec.scaling;
  double low = PairOf(s.beta_fast, spec), high = PairOf(s.beta_slow, spec);
  if (s.whole_pairs) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(spec.dim - 1));
  if (low == high) high += 0.001;
  double slowed = std::clamp((static_cast<double>(pair) - low) / (high - low), 0.0, 1.0);
  return slowed * f / s.factor + (1 - slowed) * f;
}

double Scaled(double f, int64_t pair, const RopeSpec& spec) {
  const RopeScaling& s = spec.scaling;
  if (s.kind == RopeScaling::Kind::kNone) return f;
  if (s.kind == RopeScaling::Kind::kLinear) return f / s.factor;
  if (s.kind == RopeScaling::Kind::kFactors)
    return f / static_cast<double>(s.factors[static_cast<size_t>(pair)]);
  if (s.kind == RopeScaling::Kind::kYarn) return YarnScaled(f, pair, spec);
  double turns = s.original_context * f / (2 * std::numbers::pi);  // over the original context
  if (turns > s.high_freq_factor) return f;
  if (turns < s.low_freq_factor) return f / s.factor;
  double keep = (turns - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor);
  return keep * f + (1 - keep) * f / s.factor;
}

// Interleaved: pairs go t h w t h w ... while a stream has pairs left; the rest is time.
uint8_t StreamOf(int64_t pair, const RopeSpec& spec) {
  if (spec.sections.empty()) return 0;
  if (spec.interleaved) {
    auto s = static_cast<size_t>(pair % 3);
    return s != 0 && pair < 3 * spec.sections[s] ? static_cast<uint8_t>(s) : 0;
  }
  int64_t end = 0;
  for (size_t s = 0; s < 3; ++s) {
    end += spec.sections[s];
    if (pair < end) return static_cast<uint8_t>(s);
  }
  return 2;
}

}  // namespace

RopeTable::RopeTable(const RopeSpec& spec) {
  SL_CHECK(spec.dim > 0 && spec.dim % 2 == 0);
  SL_CHECK(spec.sections.empty() || spec.sections.size() == 3);
  SL_CHECK(spec.scaling.kind != RopeScaling::Kind::kFactors ||
           static_cast<int64_t>(spec.scaling.factors.size()) == spec.dim / 2);
  if (spec.scaling.kind == RopeScaling::Kind::kYarn)
    scale_ = static_cast<float>(spec.scaling.attention_factor);
  for (int64_t i = 0; i < spec.dim / 2; ++i) {
    double f = std::pow(spec.theta, -2.0 * static_cast<double>(i) / static_cast<double>(spec.dim));
    frequency_.push_back(static_cast<float>(Scaled(f, i, spec)));
    stream_.push_back(StreamOf(i, spec));
  }
}

RowAngles RopeTable::Angles(const std::vector<int32_t>& positions) const {
  SL_CHECK(positions.size() % 3 == 0);
  size_t t = positions.size() / 3, half = frequency_.size();
  std::vector<int64_t> shape = {static_cast<int64_t>(t), static_cast<int64_t>(half)};
  RowAngles a{Tensor(shape), Tensor(shape)};
  for (size_t row = 0; row < t; ++row) {
    for (size_t i = 0; i < half; ++i) {
      // The product is rounded to float on purpose: checkpoints were trained and are judged that
      // way.
      float angle = static_cast<float>(positions[stream_[i] * t + row]) * frequency_[i];
      a.cosine.data[row * half + i] = std::cos(angle) * scale_;
      a.sine.data[row * half + i] = std::sin(angle) * scale_;
    }
  }
  return a;
}

}  // namespace sightline::language
