// Memory-mapped GGUF file, versions 2 and 3, little endian. Every count, length, type, offset and
// alignment is checked before use; a file that breaks a rule is refused with INVALID_ARGUMENT whose
// field names the culprit ("gguf.tensor_count", a metadata key, a tensor).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "compute/base/status.h"
#include "compute/weights/block_format.h"
#include "compute/weights/stored_tensor.h"

namespace sightline {

enum class GgufType : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};

// An array of numbers (bytes as stored) or of strings. Views into the file.
struct GgufArray {
  GgufType type = GgufType::kU8;
  uint64_t count = 0;
  std::string_view bytes;                 // numbers and booleans
  std::vector<std::string_view> strings;  // strings
};
// Unsigned and signed integers of all widths, F32 and F64 are widened.
using GgufValue = std::variant<uint64_t, int64_t, double, bool, std::string_view, GgufArray>;

struct GgufTensor {
  BlockFormat format = BlockFormat::kF32;
  std::vector<int64_t>
      shape;  // outermost first: [out, in] of a linear layer; GGUF writes it innermost first
  uint64_t begin = 0, bytes = 0;  // within the file
  int64_t count() const;          // numbers
};

struct GgufTable {
  uint32_t version = 0, alignment = 32;
  std::map<std::string, GgufValue, std::less<>> metadata;
  std::map<std::string, GgufTensor, std::less<>> tensors;
};

// Parses and checks a whole file's bytes; the table's views point into them. Work and memory are
// linear in the file's size.
StatusOr<GgufTable> ParseGguf(std::string_view file);

// Thread-safe once open. Views live as long as the file.
class GgufFile {
 public:
  static StatusOr<std::shared_ptr<GgufFile>> Open(const std::string& path);
  // The same of a file's bytes at hand.
  static StatusOr<std::shared_ptr<GgufFile>> FromBytes(std::string bytes);
  ~GgufFile();
  GgufFile(const GgufFile&) = delete;
  GgufFile& operator=(const GgufFile&) = delete;

  const GgufTable& table() const { return table_; }
  uint64_t size_bytes() const { return size_; }

  // Metadata. Absent or of another kind: INVALID_ARGUMENT naming the key. Integers convert where
  // the value fits.
  bool Has(std::string_view key) const { return table_.metadata.contains(key); }
  StatusOr<uint64_t> Uint(std::string_view key) const;
  StatusOr<int64_t> Int(std::string_view key) const;
  StatusOr<double> Float(std::string_view key) const;  // integers too
  StatusOr<bool> Bool(std::string_view key) const;
  StatusOr<std::string_view> String(std::string_view key) const;
  StatusOr<const std::vector<std::string_view>*> Strings(std::string_view key) const;
  StatusOr<std::vector<int64_t>> Ints(std::string_view key) const;   // any array of integers
  StatusOr<std::vector<double>> Floats(std::string_view key) const;  // any array of numbers

  // The tensor, its shape checked (-1 matches any size).
  StatusOr<const GgufTensor*> Find(std::string_view name,
                                   const std::vector<int64_t>& expected) const;
  const void* data(const GgufTensor& tensor) const { return map_ + tensor.begin; }
  // Not copied: valid while the file is open. Letting go of `keep` gives the pages back.
  StoredTensor Stored(const GgufTensor& tensor) const;
  // The same as float32, whatever its format.
  StatusOr<std::vector<float>> Read(std::string_view name,
                                    const std::vector<int64_t>& expected) const;

 private:
  GgufFile() = default;
  const char* map_ = nullptr;
  uint64_t size_ = 0;
  std::string bytes_;  // of FromBytes; else the file is mapped
  GgufTable table_;
};

}  // namespace sightline
