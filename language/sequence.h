// What a decoder's step reads and writes: sequences and their rows.
#pragma once

#include <cstdint>
#include <vector>

#include "compute/base/tensor.h"
#include "compute/kv/page_pool.h"
#include "language/attention_hook.h"

namespace sightline::language {

// One sequence's keys and values. Owned by whoever runs the sequence; not thread-safe.
class Sequence {
 public:
  Sequence(PagePool* pool, int64_t layers) : pages_(pool, 2 * layers) {}
  int32_t length() const { return length_; }                // rows stored
  int32_t next_position() const { return next_position_; }  // of the next text token
  const PageTable& pages() const { return pages_; }
  // Takes over full pages, held for it already, as the rows that follow; the sequence's own pages
  // are full.
  void Adopt(const std::vector<std::byte*>& pages, int32_t next_position);

 private:
  friend class Decoder;
  PageTable pages_;  // layer i: keys in part 2 i, values in part 2 i + 1
  int32_t length_ = 0, next_position_ = 0;
};

struct StepInput {
  Tensor x;                        // [T, C]
  std::vector<int32_t> positions;  // [3, T] (time, row, column); empty: text that follows on
  std::vector<Tensor> deepstack;   // [i] is [T, C] and is added after layer i; may be empty
};

// What a caller may read of a step; filled when given.
struct StepTaps {
  std::vector<Tensor> hidden;  // L + 1 of [T, C]: what enters layer i; the last one is normalised
  // L of [H, S], on the host: the last row's attention, as the part's hook has it; read only if
  // want_attention
  std::vector<Tensor> last_row;
  bool want_attention = false;
};

// One sequence's part of a step. Sequences of a step differ from each other.
struct SequenceStep {
  StepInput in;
  Sequence* seq = nullptr;
  StepTaps* taps = nullptr;      // may be null
  AttentionHook attention = {};  // may be empty
};

}  // namespace sightline::language
