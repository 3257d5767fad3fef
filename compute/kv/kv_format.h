// In which form the numbers of KV pages are stored.
#pragma once

#include <cstdint>
#include <string_view>

#include "compute/base/status.h"

namespace sightline {

// kF16: IEEE binary16, nearest; what is too large becomes the largest finite number.
enum class KvFormat { kF32, kF16 };
constexpr int64_t BytesOf(KvFormat format) { return format == KvFormat::kF16 ? 2 : 4; }
std::string_view NameOf(KvFormat format);  // "f16"

// What a caller asks for; kAuto leaves it to the decoder (Decoder::KvFor).
enum class KvChoice { kAuto, kF32, kF16 };
// "auto", "f32" or "f16"; INVALID_ARGUMENT lists them.
StatusOr<KvChoice> ParseKvChoice(std::string_view text);

}  // namespace sightline
