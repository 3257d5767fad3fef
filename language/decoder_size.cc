#include "language/decoder_size.h"

namespace sightline::language {

DecoderSize SizeOf(const DecoderSpec& s, BlockFormat stored, WeightChoice weights) {
  DecoderSize size;
  auto matrix = [&](int64_t n, int64_t k, int64_t count, WeightChoice choice) {
    size.parameters += count * n * k;
    size.matrix_bytes += count * WeightMatrix::PackedBytes(stored, n, k, choice);
  };
  int64_t vectors = 0;
  const int64_t q = s.heads * s.head_dim, kv = s.kv_heads * s.head_dim;
  matrix(s.vocab, s.hidden, s.tied ? 1 : 2, EndsOf(weights));
  matrix(q, s.hidden, s.layers, weights);
  matrix(kv, s.hidden, 2 * s.layers, weights);
  matrix(s.hidden, q, s.layers, weights);
  matrix(s.ffn, s.hidden, 2 * s.layers, weights);
  matrix(s.hidden, s.ffn, s.layers, weights);
  const int64_t norm = s.norm == NormKind::kLayer ? 2 * s.hidden : s.hidden;
  vectors += norm * (1 + s.layers * (s.sandwich_norms ? 4 : 2));
  if (s.qkv_bias) vectors += s.layers * (q + 2 * kv);
  if (s.o_bias) vectors += s.layers * s.hidden;
  if (s.mlp_bias) vectors += s.layers * (2 * s.ffn + s.hidden);
  if (s.qk_norm) vectors += s.layers * 2 * s.head_dim;
  size.parameters += vectors;
  size.vector_bytes = 4 * vectors;
  return size;
}

int64_t KvBytesPerToken(const DecoderSpec& s, KvFormat format) {
  return s.layers * 2 * s.kv_heads * s.head_dim * BytesOf(format);
}

}  // namespace sightline::language
