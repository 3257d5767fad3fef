// Any bytes: refused with a status that names a field, or a table whose every tensor lies inside
// the file and can be read.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "compute/base/check.h"
#include "compute/weights/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto table = sightline::ParseGguf({reinterpret_cast<const char*>(data), size});
  if (!table.ok()) {
    SL_CHECK(table.status().code() == absl::StatusCode::kInvalidArgument);
    SL_CHECK(!sightline::FieldOf(table.status()).empty());
    return 0;
  }
  for (const auto& [name, t] : table->tensors) {
    SL_CHECK(t.begin <= size && t.bytes <= size - t.begin);
    SL_CHECK(static_cast<uint64_t>(sightline::BytesOf(t.format, t.count())) == t.bytes);
    std::vector<float> values(static_cast<size_t>(t.count()));
    sightline::DequantizeRow(t.format, data + t.begin, t.count(), values.data());
  }
  return 0;
}
