// What a mechanism asks of one sequence's attention in one layer of a step.
//
// Letters: T rows of the sequence in the step, S its keys when they have been stored, H query
// heads, G KV heads.
#pragma once

#include "compute/attention/block_list.h"
#include "compute/attention/edit_plan.h"

namespace sightline {

// Neutral: nothing set. Views only; the owners outlive the call.
struct AttentionSettings {
  // Which keys are read, in place of the plain list (all so far, or the layer's window). Queries
  // are the sequence's rows of the step, 0..T-1, each at most once under a head; those in no tile
  // give 0. Keys are rows of the whole sequence, 0..S-1. A causal list has query_offset S - T; one
  // that is not may let a row read rows of its step that come after it.
  const BlockList* lists = nullptr;
  const EditPlan* edit = nullptr;  // key_class [S], or empty where head_gain is all there is
  ScoreTap* tap = nullptr;         // filled: [T, H, classes]; needs edit->key_class

  // Whether the output is that of no settings. A tap reads and changes nothing.
  bool plain() const { return !lists && (!edit || edit->neutral()); }
};

struct AttentionSizes {
  int64_t heads, kv_heads, rows, keys;  // H, G, T, S
};
// Ends the process unless the settings fit these sizes, naming what does not.
void CheckSettings(const AttentionSettings& settings, const AttentionSizes& sizes);

}  // namespace sightline
