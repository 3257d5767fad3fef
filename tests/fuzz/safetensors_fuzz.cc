// Any bytes: refused with a status, or a table whose every tensor lies inside the file.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "compute/base/check.h"
#include "compute/weights/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  uint64_t begin = 0;
  auto tensors = sightline::ParseSafetensors({reinterpret_cast<const char*>(data), size}, &begin);
  if (!tensors.ok()) return 0;
  for (const auto& [name, t] : *tensors) {
    SL_CHECK(t.begin <= t.end && begin + t.end <= size);
  }
  return 0;
}
