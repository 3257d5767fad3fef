// Any bytes as an encoder's config: refused with a status, or a spec whose every layer has a
// sensible shape. The weights are only counted.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "compute/base/check.h"
#include "fusion/encoders/encoder_registry.h"

namespace {

constexpr int kMostLayers = 20000;

void Census(const sightline::EncoderSpec& spec) {
  int layers = 0;
  sightline::vision::WeightSource source;
  source.read = [&](const std::string& /*name*/,
                    const std::vector<int64_t>& shape) -> sightline::StatusOr<sightline::Tensor> {
    if (++layers > kMostLayers) return absl::ResourceExhaustedError("too many layers");
    for (int64_t side : shape) SL_CHECK(side > 0);
    return sightline::Tensor();
  };
  source.has = [](const std::string&) { return false; };
  (void)spec.load(source).ok();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sightline::Json json = sightline::Json::parse(
      std::string_view(reinterpret_cast<const char*>(data), size), nullptr, false);
  if (!json.is_object()) return 0;
  for (const sightline::EncoderArchitecture& row : sightline::EncoderArchitectures()) {
    auto spec = row.read(sightline::WithPublishedSize(row, json));
    std::string_view name = row.name;
    // The towers of language models read their weights as they stand; a census needs the others.
    bool stands = name == "clip" || name == "siglip" || name.starts_with("qwen");
    if (spec.ok() && !stands) Census(*spec);
  }
  (void)sightline::FindEncoder("", json).ok();
  return 0;
}
