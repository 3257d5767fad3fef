#include "language/decoder_size.h"

namespace sightline::language {

int64_t KvBytesPerToken(const DecoderSpec& s, KvFormat format) {
  return s.layers * 2 * s.kv_heads * s.head_dim * BytesOf(format);
}

}  // namespace sightline::language
