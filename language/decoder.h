// A decoder of the Llama kind: RMSNorm, grouped-query attention with rotary positions, gated MLP, paged KV.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compute/kv/page_pool.h"
#include "compute/ops/ops.h"
#include "compute/weights/safetensors.h"

namespace sightline::language {

struct DecoderSpec {  // text_config of config.json
  int64_t hidden = 0, ffn = 0, layers = 0, heads = 0, kv_heads = 0, head_dim = 0, vocab = 0, context = 4096;
  float rms_eps = 1e-6f, rope_theta = 10000;
  bool tied = true;
};

// One sequence's keys and values. Owned by whoever runs the sequence; not thread-safe.
class Sequence {
 public:
  Sequence(PagePool* pool, int64_t layers);
  int32_t length() const { return length_; }

 private:
  friend class Decoder;
  std::vector<PageTable> k_, v_;  // one a layer
  int32_t length_ = 0;
};

class Decoder {
 public:
  static StatusOr<std::unique_ptr<Decoder>> Load(const DecoderSpec& spec, const WeightFile& weights, const std::string& prefix);

  // Pages for [W, G, D] of one layer's keys or values.
  int64_t page_floats() const { return kPageRows * spec_.kv_heads * spec_.head_dim; }
  // Rows of the embedding table, [n, hidden].
  Tensor Embed(const std::vector<int32_t>& ids) const;
  // Appends x [T, hidden] to the sequence and returns the last row's logits [vocab]. Const and thread-safe for
  // different sequences. RESOURCE_EXHAUSTED when no KV page is left; OUT_OF_RANGE beyond the context.
  StatusOr<std::vector<float>> Forward(Tensor x, Sequence* seq) const;
  // Logits of every row [T, vocab] instead of the last alone.
  StatusOr<Tensor> ForwardAll(Tensor x, Sequence* seq) const;
  const DecoderSpec& spec() const { return spec_; }
  int64_t parameter_count() const;

 private:
  struct Layer {
    std::vector<float> norm1, norm2;
    Linear q, k, v, o, gate, up, down;
  };
  StatusOr<Tensor> Hidden(Tensor x, Sequence* seq) const;
  Status AttentionBlock(const Layer& layer, size_t index, const std::vector<int32_t>& positions, Sequence* seq, Tensor* x) const;
  void MlpBlock(const Layer& layer, Tensor* x) const;

  DecoderSpec spec_;
  Linear embed_;  // also the output head when tied
  Linear head_;
  std::vector<float> norm_;
  std::vector<Layer> layers_;
};

}  // namespace sightline::language
