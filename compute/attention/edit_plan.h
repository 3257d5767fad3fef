// What is done to scores of the attention kernel and what is read of them, as data.
//
// Letters: T query rows, S key rows, H query heads.
#pragma once

#include <cstdint>
#include <vector>

namespace sightline {

// What papers do to scores (specs/fusion.md 4.2). An empty table changes nothing.
struct EditPlan {
  static constexpr int kMaxClasses = 256;  // what a class of a key can name

  std::vector<uint8_t> key_class;  // [S]; class of each key, classes 0..classes-1
  int classes = 0;
  std::vector<float> bias;       // [H, classes] added to the logit
  std::vector<float> gain;       // [H, classes] multiplies the logit
  std::vector<float> rescale;    // [H, classes] multiplies the probability after the softmax
  std::vector<float> head_gain;  // [H] multiplies the head's output

  // Whether it changes nothing: each table is empty, or holds 0 (bias) or 1 (the others) alone.
  bool neutral() const;
};

// What papers read: the mass each query row of each head puts on each key class, after the softmax
// and before rescaling.
struct ScoreTap {
  std::vector<float> mass;  // [T, H, classes], sized by the call
};

}  // namespace sightline
