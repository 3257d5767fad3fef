// What a decoder takes in memory beside its weights, told from its sizes alone.
#pragma once

#include "compute/kv/kv_format.h"
#include "language/decoder_spec.h"

namespace sightline::language {

// Keys and values of every layer for one token.
int64_t KvBytesPerToken(const DecoderSpec& spec, KvFormat format);

}  // namespace sightline::language
