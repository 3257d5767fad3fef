#include "compute/kv/kv_format.h"

namespace sightline {

std::string_view NameOf(KvFormat format) { return format == KvFormat::kF16 ? "f16" : "f32"; }

StatusOr<KvChoice> ParseKvChoice(std::string_view text) {
  if (text == "auto") return KvChoice::kAuto;
  if (text == "f32") return KvChoice::kF32;
  if (text == "f16") return KvChoice::kF16;
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "KV_FORMAT_UNKNOWN",
                         "keys and values are kept as auto, f32 or f16");
}

}  // namespace sightline
