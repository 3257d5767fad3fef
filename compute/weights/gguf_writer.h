// Writes GGUF version 3 files: for tests, benchmarks and conversion. Not thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "compute/base/status.h"
#include "compute/weights/gguf.h"

namespace sightline {

class GgufWriter {
 public:
  // A power of two from 8; also written as general.alignment unless it is the default.
  explicit GgufWriter(uint32_t alignment = 32);

  void Uint(std::string_view key, uint32_t value);
  void Int(std::string_view key, int32_t value);
  void Float(std::string_view key, float value);
  void Bool(std::string_view key, bool value);
  void String(std::string_view key, std::string_view value);
  void Strings(std::string_view key, const std::vector<std::string>& values);
  void Ints(std::string_view key, const std::vector<int32_t>& values);
  void Floats(std::string_view key, const std::vector<float>& values);
  void Bools(std::string_view key, const std::vector<bool>& values);

  // Shape outermost first. The bytes are made when the file is written, one tensor at a time, so
  // that a model need not fit in memory; they must have BytesOf(format, product of shape) bytes.
  void Tensor(std::string_view name, BlockFormat format, const std::vector<int64_t>& shape,
              std::function<std::string()> make);

  Status Write(const std::string& path) const;
  std::string Bytes() const;

 private:
  struct Entry {
    uint64_t bytes;
    std::function<std::string()> make;
  };
  void Key(std::string_view key, GgufType type);
  std::string Head() const;
  Status Emit(const std::function<bool(std::string_view)>& put) const;

  uint32_t alignment_;
  uint64_t keys_ = 0, next_offset_ = 0;
  std::string metadata_, infos_;
  std::vector<Entry> tensors_;
};

}  // namespace sightline
