#include "compute/weights/gguf_writer.h"

#include <fstream>

#include "compute/base/check.h"

namespace sightline {
namespace {

template <class T>
void Put(std::string* out, T value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void PutText(std::string* out, std::string_view text) {
  Put(out, static_cast<uint64_t>(text.size()));
  out->append(text);
}

template <class T>
void PutArray(std::string* out, GgufType type, const std::vector<T>& values) {
  Put(out, static_cast<uint32_t>(type));
  Put(out, static_cast<uint64_t>(values.size()));
  for (const T& v : values) Put(out, v);
}

uint64_t AlignUp(uint64_t n, uint64_t alignment) {
  return (n + alignment - 1) / alignment * alignment;
}

}  // namespace

GgufWriter::GgufWriter(uint32_t alignment) : alignment_(alignment) {
  if (alignment != 32) Uint("general.alignment", alignment);
}

void GgufWriter::Key(std::string_view key, GgufType type) {
  ++keys_;
  PutText(&metadata_, key);
  Put(&metadata_, static_cast<uint32_t>(type));
}

void GgufWriter::Uint(std::string_view key, uint32_t value) {
  Key(key, GgufType::kU32);
  Put(&metadata_, value);
}
void GgufWriter::Int(std::string_view key, int32_t value) {
  Key(key, GgufType::kI32);
  Put(&metadata_, value);
}
void GgufWriter::Float(std::string_view key, float value) {
  Key(key, GgufType::kF32);
  Put(&metadata_, value);
}
void GgufWriter::Bool(std::string_view key, bool value) {
  Key(key, GgufType::kBool);
  Put(&metadata_, static_cast<uint8_t>(value));
}
void GgufWriter::String(std::string_view key, std::string_view value) {
  Key(key, GgufType::kString);
  PutText(&metadata_, value);
}
void GgufWriter::Strings(std::string_view key, const std::vector<std::string>& values) {
  Key(key, GgufType::kArray);
  Put(&metadata_, static_cast<uint32_t>(GgufType::kString));
  Put(&metadata_, static_cast<uint64_t>(values.size()));
  for (const std::string& v : values) PutText(&metadata_, v);
}
void GgufWriter::Ints(std::string_view key, const std::vector<int32_t>& values) {
  Key(key, GgufType::kArray);
  PutArray(&metadata_, GgufType::kI32, values);
}
void GgufWriter::Floats(std::string_view key, const std::vector<float>& values) {
  Key(key, GgufType::kArray);
  PutArray(&metadata_, GgufType::kF32, values);
}
void GgufWriter::Bools(std::string_view key, const std::vector<bool>& values) {
  Key(key, GgufType::kArray);
  PutArray(&metadata_, GgufType::kBool, std::vector<uint8_t>(values.begin(), values.end()));
}

void GgufWriter::Tensor(std::string_view name, BlockFormat format,
                        const std::vector<int64_t>& shape, std::function<std::string()> make) {
  int64_t count = 1;
  for (int64_t n : shape) count *= n;
  PutText(&infos_, name);
  Put(&infos_, static_cast<uint32_t>(shape.size()));
  for (auto n = shape.rbegin(); n != shape.rend(); ++n) Put(&infos_, static_cast<uint64_t>(*n));
  Put(&infos_, static_cast<uint32_t>(format));
  Put(&infos_, next_offset_);
  auto bytes = static_cast<uint64_t>(BytesOf(format, count));
  tensors_.push_back({bytes, std::move(make)});
  next_offset_ = AlignUp(next_offset_ + bytes, alignment_);
}

std::string GgufWriter::Head() const {
  std::string head = "GGUF";
  Put(&head, uint32_t{3});
  Put(&head, static_cast<uint64_t>(tensors_.size()));
  Put(&head, keys_);
  head += metadata_;
  head += infos_;
  head.resize(AlignUp(head.size(), alignment_));
  return head;
}

Status GgufWriter::Emit(const std::function<bool(std::string_view)>& put) const {
  bool ok = put(Head());
  for (const Entry& t : tensors_) {
    std::string bytes = t.make();
    SL_CHECK(bytes.size() == t.bytes);
    bytes.resize(AlignUp(t.bytes, alignment_));
    ok = ok && put(bytes);
  }
  return ok ? absl::OkStatus()
            : ErrorWithReason(absl::StatusCode::kUnavailable, "FILE_WRITE_FAILED",
                              "the GGUF file can't be written");
}

Status GgufWriter::Write(const std::string& path) const {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  SL_RETURN_IF_ERROR(Emit([&](std::string_view bytes) {
    return static_cast<bool>(file.write(bytes.data(), static_cast<std::streamsize>(bytes.size())));
  }));
  file.close();
  return file ? absl::OkStatus()
              : ErrorWithReason(absl::StatusCode::kUnavailable, "FILE_WRITE_FAILED",
                                "the GGUF file can't be written");
}

std::string GgufWriter::Bytes() const {
  std::string all;
  SL_CHECK(Emit([&](std::string_view bytes) {
             all += bytes;
             return true;
           }).ok());
  return all;
}

}  // namespace sightline
