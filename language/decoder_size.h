// What a decoder takes in memory, told from its sizes alone.
#pragma once

#include "compute/kv/kv_format.h"
#include "compute/ops/weight_matrix.h"
#include "language/decoder_spec.h"

namespace sightline::language {

struct DecoderSize {
  int64_t parameters = 0;
  int64_t matrix_bytes = 0;  // Decoder::weight_bytes
  int64_t vector_bytes = 0;  // norms and biases, which are float32
};

// Of weights that a file stores as `stored` (a float format), loaded as `weights` says.
DecoderSize SizeOf(const DecoderSpec& spec, BlockFormat stored, WeightChoice weights);
// Keys and values of every layer for one token.
int64_t KvBytesPerToken(const DecoderSpec& spec, KvFormat format);

}  // namespace sightline::language
