// Where a mechanism acts on the attention of one sequence of a step: it picks the keys, edits the
// scores or taps them (docs/add_a_mechanism.md).
#pragma once

#include <functional>

#include "compute/ops/paged_attention.h"

namespace sightline::language {

// One layer's attention just before it runs. Views for the length of the call.
struct AttentionView {
  const Tensor& q;                 // [sum of T, H * D] of the whole step, rotated
  const SequenceRows& rows;        // the sequence's among them; its pages already hold their keys
  const PagedAttentionSpec& spec;  // the layer, H, G, D, the layer's window
};

// Called once a layer, first layer first, on the thread that runs the step. What the settings point
// to stays until the call for the next layer, or until Decoder::Run returns: from then on a tap can
// be read. All sequences of a step are asked before attention runs, so two of them must not point
// to the same plan or tap. Settings that do not fit the view end the process (CheckSettings).
// Neutral settings, or no hook, give the plain numbers, to the last bit.
//
// A row that was edited, or read other keys than the plain ones, leaves other keys and values in
// the layers above: such pages are no longer those of the same prompt run plainly, and belong in
// no cache that is shared with it. Non-causal lists also make rows depend on how the prompt is cut.
using AttentionHook = std::function<AttentionSettings(const AttentionView&)>;

}  // namespace sightline::language
