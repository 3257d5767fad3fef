// What a decoder is, as data: everything that a family's config.json can change.
#pragma once

#include <cstdint>
#include <vector>

#include "language/rope.h"

namespace sightline::language {

enum class NormKind { kRms, kLayer };  // kLayer also reads a bias
enum class Activation { kSilu, kGeluTanh };

// Letters: C hidden, F ffn, L layers, H heads, G kv_heads, D head_dim, V vocab.
struct DecoderSpec {
  int64_t hidden = 0, ffn = 0, layers = 0, heads = 0, kv_heads = 0, head_dim = 0, vocab = 0,
          context = 4096;
  float rms_eps = 1e-6f, rope_theta = 10000;
  bool tied = true;  // the embedding table is the output head

  bool qkv_bias = false, o_bias = false, mlp_bias = false;
  bool qk_norm = false;  // RMSNorm [D] of each query and key head before the rotation (Qwen3)
  NormKind norm = NormKind::kRms;
  float norm_offset = 0;        // added to RMSNorm weights (Gemma stores weight - 1)
  bool sandwich_norms = false;  // a norm after attention and after the MLP too (Gemma)
  Activation activation = Activation::kSilu;
  float embedding_scale = 1;   // of text rows only: visual rows come at the scale they need
  float attention_scale = 0;   // 0: 1 / sqrt(D)
  float logit_cap = 0;         // > 0: cap * tanh(logit / cap)
  float local_rope_theta = 0;  // > 0: layers with a window rotate by it, without scaling
  RopeScaling rope_scaling;
  std::vector<int64_t> mrope_sections;  // channel pairs of the (t, h, w) streams; empty: one stream
  bool mrope_interleaved = false;       // pairs take turns instead of lying in blocks (Qwen3-VL)
  std::vector<int32_t> windows;         // [L] keys a query sees, itself included; 0 or empty: all

  int32_t window(int64_t layer) const {
    return windows.empty() ? 0 : windows[static_cast<size_t>(layer)];
  }
};

}  // namespace sightline::language
