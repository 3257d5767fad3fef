// A transformer decoder with paged KV. What kind it is (norms, biases, rotations, windows) is data:
// decoder_spec.h.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compute/attention/block_list.h"
#include "compute/kv/page_pool.h"
#include "compute/ops/ops.h"
#include "compute/weights/safetensors.h"
#include "language/decoder_spec.h"

namespace sightline::language {

// Reads one weight by its canonical name ("layers.0.mlp.up_proj.weight", "lm_head.weight"), as it
// is stored, and checks its shape. Let go of before the next one is read.
using StoredReader = std::function<StatusOr<StoredTensor>(const std::string& name,
                                                          const std::vector<int64_t>& shape)>;

// One sequence's keys and values. Owned by whoever runs the sequence; not thread-safe.
class Sequence {
 public:
  Sequence(PagePool* pool, int64_t layers);
  int32_t length() const { return length_; }                // rows stored
  int32_t next_position() const { return next_position_; }  // of the next text token

 private:
  friend class Decoder;
  std::vector<PageTable> k_, v_;  // one a layer
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
  std::vector<Tensor>
      last_row;  // L of [H, S]: the last row's attention; read only if want_attention
  bool want_attention = false;
};

class Decoder {
 public:
  // INVALID_ARGUMENT names the field of the config or the tensor at fault.
  // Matrices are packed one by one as `weights` says; kQ4 keeps the embedding and the head in kQ8,
  // where an error weighs most.
  static StatusOr<std::unique_ptr<Decoder>> Load(const DecoderSpec& spec, const StoredReader& read,
                                                 WeightChoice weights = WeightChoice::kStored);
  // All weights of one file under `prefix`; the head under its own name.
  static StatusOr<std::unique_ptr<Decoder>> Load(const DecoderSpec& spec, const WeightFile& file,
                                                 const std::string& prefix,
                                                 WeightChoice weights = WeightChoice::kStored);

  // Pages for [W, G, D] of one layer's keys or values.
  int64_t page_floats() const { return kPageRows * spec_.kv_heads * spec_.head_dim; }
  // Rows of the embedding table, [n, hidden], at the scale that the first layer reads.
  Tensor Embed(const std::vector<int32_t>& ids) const;
  // Appends T rows to the sequence and returns the last layer's rows, normalised [T, C]. Const and
  // thread-safe for different sequences. RESOURCE_EXHAUSTED when no KV page is left; OUT_OF_RANGE
  // beyond the context.
  StatusOr<Tensor> Run(StepInput in, Sequence* seq, StepTaps* taps = nullptr) const;
  Tensor Logits(const Tensor& hidden) const;  // [T, C] -> [T, V]
  // Text that follows on: the last row's logits [V], or those of every row [T, V].
  StatusOr<std::vector<float>> Forward(Tensor x, Sequence* seq) const;
  StatusOr<Tensor> ForwardAll(Tensor x, Sequence* seq) const;
  const DecoderSpec& spec() const { return spec_; }
  int64_t parameter_count() const { return parameters_; }
  int64_t weight_bytes() const;  // of the matrices, in memory

 private:
  struct NormWeights {
    std::vector<float> weight, bias;
  };
  struct Layer {
    NormWeights before_attention, after_attention, before_mlp, after_mlp;
    std::vector<float> q_norm, k_norm;  // [D]
    Linear q, k, v, o, gate, up, down;
  };
  struct Step;    // what all layers of one call share
  class Builder;  // decoder_load.cc

  Tensor Normalise(const Tensor& x, const NormWeights& w) const;
  Step Plan(const StepInput& in, const Sequence& seq) const;
  Status AttentionBlock(int64_t index, const Step& step, Sequence* seq, Tensor* x) const;
  void MlpBlock(const Layer& layer, Tensor* x) const;

  DecoderSpec spec_;
  Linear embed_;  // also the output head when tied
  Linear head_;
  NormWeights norm_;
  std::vector<Layer> layers_;
  RopeTable rope_, local_rope_;
  int64_t parameters_ = 0;
};

}  // namespace sightline::language
