// A transformer decoder with paged KV. What kind it is (norms, biases, rotations, windows) is data:
// decoder_spec.h. A step takes rows of any number of sequences: weights are read once for all of
// them, and a row's numbers do not depend on which others are there.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "compute/ops/ops.h"
#include "compute/ops/paged_attention.h"
#include "compute/weights/safetensors.h"
#include "language/decoder_spec.h"
#include "language/sequence.h"

namespace sightline::language {

// Reads one weight by its canonical name ("layers.0.mlp.up_proj.weight", "lm_head.weight"), as it
// is stored, and checks its shape. Let go of before the next one is read.
using StoredReader = std::function<StatusOr<StoredTensor>(const std::string& name,
                                                          const std::vector<int64_t>& shape)>;

class Decoder {
 public:
  // INVALID_ARGUMENT names the field of the config or the tensor at fault.
  // Matrices are packed one by one as `weights` says; kQ4 keeps the embedding and the head in kQ8,
  // where an error weighs most.
  static StatusOr<std::unique_ptr<Decoder>> Load(const DecoderSpec& spec, const StoredReader& read,
                                                 WeightChoice weights = WeightChoice::kStored,
                                                 const Device& device = {});
  // All weights of one file under `prefix`; the head under its own name.
  static StatusOr<std::unique_ptr<Decoder>> Load(const DecoderSpec& spec, const WeightFile& file,
                                                 const std::string& prefix,
                                                 WeightChoice weights = WeightChoice::kStored,
                                                 const Device& device = {});

  // Numbers in a page, which holds [2 L, W, G, D]: keys and values of every layer.
  int64_t page_numbers() const {
    return 2 * spec_.layers * kPageRows * spec_.kv_heads * spec_.head_dim;
  }
  // The pages' format. kAuto: float32 where a layer's weights are, where the fast kernel doesn't
  // take the heads (D no multiple of 16) and on other devices than the host; else binary16. kF16
  // off the host is UNIMPLEMENTED.
  StatusOr<KvFormat> KvFor(KvChoice choice) const;
  // Rows of the embedding table, [n, hidden], at the scale that the first layer reads.
  Tensor Embed(const std::vector<int32_t>& ids) const;
  // Pages for `rows` more rows of the sequence. RESOURCE_EXHAUSTED when no KV page is left;
  // OUT_OF_RANGE beyond the context.
  Status Reserve(int64_t rows, Sequence* seq) const;
  // Appends each part's rows, which have been reserved, to its sequence. Returns the last layer's
  // rows, normalised, part after part: [sum of T, C]. Const and thread-safe for different
  // sequences.
  Tensor Run(std::vector<SequenceStep> parts) const;
  // Reserves and runs one sequence: [T, C].
  StatusOr<Tensor> Run(StepInput in, Sequence* seq, StepTaps* taps = nullptr,
                       AttentionHook attention = {}) const;
  Tensor Logits(const Tensor& hidden) const;  // [T, C] -> [T, V]
  // Text that follows on: the last row's logits [V], or those of every row [T, V].
  StatusOr<std::vector<float>> Forward(Tensor x, Sequence* seq) const;
  StatusOr<Tensor> ForwardAll(Tensor x, Sequence* seq) const;
  const DecoderSpec& spec() const { return spec_; }
  // Where the weights are and steps run; pages must be there too. Rows of a step may come from the
  // host.
  const Device& device() const { return device_; }
  int64_t parameter_count() const { return parameters_; }
  int64_t weight_bytes() const;  // of the matrices, in memory

 private:
  struct NormWeights {
    Buffer weight, bias;
  };
  struct Layer {
    NormWeights before_attention, after_attention, before_mlp, after_mlp;
    Buffer q_norm, k_norm;  // [D]
    Linear q, k, v, o, gate, up, down;
  };
  struct Step;    // what all layers of one call share
  class Builder;  // decoder_load.cc

  Tensor Normalise(const Tensor& x, const NormWeights& w) const;
  Step Plan(const std::vector<SequenceStep>& parts) const;
  void AttentionBlock(int64_t layer, Tensor* x, Step* step) const;
  void MlpBlock(const Layer& layer, Tensor* x, Step* step) const;

  DecoderSpec spec_;
  Device device_;
  Linear embed_;  // also the output head when tied
  Linear head_;
  NormWeights norm_;
  std::vector<Layer> layers_;
  RopeTable rope_, local_rope_;
  int64_t parameters_ = 0;
};

}  // namespace sightline::language
