// Any configs of a model directory, as one object with "config", "generation" and "processor":
// refused with a status, or a spec within bounds.
#include <cstddef>
#include <cstdint>

#include "compute/base/check.h"
#include "fusion/families/registry.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using sightline::Json;
  if (size > 1 << 16) return 0;
  Json all = Json::parse(data, data + size, nullptr, /*allow_exceptions=*/false);
  auto part = [&](const char* key) {
    return all.is_object() && all.contains(key) && all[key].is_object() ? all[key] : Json::object();
  };
  sightline::ModelConfigs configs{part("config"), part("generation"), part("processor")};
  auto spec = sightline::ReadCheckpointSpec(configs);
  if (!spec.ok()) return 0;
  SL_CHECK(spec->text.layers >= 1 && spec->text.layers <= 1024);
  SL_CHECK(spec->text.windows.size() <= 1024 && spec->unused.size() < 4096);
  SL_CHECK(spec->clip.min_frames <= spec->clip.max_frames);
  SL_CHECK(spec->sampling.temperature >= 0 && spec->sampling.temperature <= 2);
  return 0;
}
