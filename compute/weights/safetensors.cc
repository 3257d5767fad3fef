#include "compute/weights/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

namespace sightline {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100u << 20;
constexpr size_t kMaxNameBytes = 1024;

Status Bad(const std::string& what) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MODEL_FILE_INVALID",
                         "safetensors: " + what);
}

int DtypeBytes(const std::string& d) {
  if (d == "F64" || d == "I64" || d == "U64") return 8;
  if (d == "F32" || d == "I32" || d == "U32") return 4;
  if (d == "F16" || d == "BF16" || d == "I16" || d == "U16") return 2;
  if (d == "I8" || d == "U8" || d == "BOOL") return 1;
  return 0;
}

Status ParseEntry(const std::string& name, const nlohmann::json& j, uint64_t data_bytes,
                  TensorInfo* t) {
  if (!j.is_object() || !j.contains("dtype") || !j["dtype"].is_string() || !j.contains("shape") ||
      !j["shape"].is_array() || !j.contains("data_offsets") || !j["data_offsets"].is_array() ||
      j["data_offsets"].size() != 2) {
    return Bad("tensor '" + name + "' needs dtype, shape and data_offsets");
  }
  t->dtype = j["dtype"].get<std::string>();
  auto bytes = static_cast<uint64_t>(DtypeBytes(t->dtype));
  if (bytes == 0) return Bad("tensor '" + name + "' has an unknown dtype");
  if (j["shape"].size() > 8) return Bad("tensor '" + name + "' has too many dimensions");
  for (const auto& d : j["shape"]) {
    if (!d.is_number_unsigned() || d.get<uint64_t>() > (1ull << 40))
      return Bad("tensor '" + name + "' has a bad dimension");
    t->shape.push_back(static_cast<int64_t>(d.get<uint64_t>()));
    if (__builtin_mul_overflow(bytes, d.get<uint64_t>(), &bytes))
      return Bad("tensor '" + name + "' is too large");
  }
  if (!j["data_offsets"][0].is_number_unsigned() || !j["data_offsets"][1].is_number_unsigned())
    return Bad("tensor '" + name + "' has bad offsets");
  t->begin = j["data_offsets"][0].get<uint64_t>();
  t->end = j["data_offsets"][1].get<uint64_t>();
  if (t->begin > t->end || t->end > data_bytes)
    return Bad("tensor '" + name + "' lies outside the file");
  if (t->end - t->begin != bytes)
    return Bad("tensor '" + name + "': its offsets do not match its shape");
  return absl::OkStatus();
}

// The JSON reader keeps the last of two equal keys; which of them a writer meant is not ours to
// guess.
nlohmann::json ParseHeader(std::string_view text, bool* duplicate) {
  std::set<std::string> names, fields;
  auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& value) {
    if (event != nlohmann::json::parse_event_t::key || depth > 2) return true;
    if (depth == 1) fields.clear();
    if (!(depth == 1 ? names : fields).insert(value.get<std::string>()).second) *duplicate = true;
    return true;
  };
  return nlohmann::json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
}

// The format wants every data byte to belong to exactly one tensor: nothing hides between them.
Status CheckSpans(std::vector<std::pair<uint64_t, uint64_t>> spans, uint64_t data_bytes) {
  std::sort(spans.begin(), spans.end());
  uint64_t end = 0;
  for (const auto& [first, last] : spans) {
    if (first < end) return Bad("tensors overlap");
    if (first > end) return Bad("bytes between tensors belong to none");
    end = last;
  }
  if (end != data_bytes) return Bad("bytes after the last tensor belong to none");
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::map<std::string, TensorInfo>> ParseSafetensors(std::string_view file,
                                                             uint64_t* data_begin) {
  if (file.size() < 8) return Bad("the file is shorter than its header length");
  uint64_t n;
  std::memcpy(&n, file.data(), 8);
  if (n > kMaxHeaderBytes || n > file.size() - 8) return Bad("the header length exceeds the file");
  bool duplicate = false;
  nlohmann::json doc = ParseHeader(file.substr(8, n), &duplicate);
  if (!doc.is_object()) return Bad("the header is not a JSON object");
  if (duplicate) return Bad("the header names something twice");
  *data_begin = 8 + n;
  std::map<std::string, TensorInfo> tensors;
  std::vector<std::pair<uint64_t, uint64_t>> spans;
  for (const auto& [name, value] : doc.items()) {
    if (name == "__metadata__") continue;
    if (name.size() > kMaxNameBytes) return Bad("a tensor's name is too long");
    TensorInfo t;
    SL_RETURN_IF_ERROR(ParseEntry(name, value, file.size() - 8 - n, &t));
    spans.emplace_back(t.begin, t.end);
    tensors.emplace(name, std::move(t));
  }
  SL_RETURN_IF_ERROR(CheckSpans(std::move(spans), file.size() - 8 - n));
  return tensors;
}

StatusOr<std::shared_ptr<WeightFile>> WeightFile::Open(const std::string& path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return ErrorWithReason(absl::StatusCode::kNotFound, "MODEL_FILE_MISSING",
                           "a weight file of the model can't be opened");
  struct stat st {};
  std::shared_ptr<WeightFile> f(new WeightFile());
  if (fstat(fd, &st) != 0 || st.st_size <= 0) {
    close(fd);
    return Bad("the file is empty");
  }
  f->size_ = static_cast<uint64_t>(st.st_size);
  void* map = mmap(nullptr, f->size_, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (map == MAP_FAILED) return Bad("the file can't be mapped");
  f->map_ = static_cast<const char*>(map);
  SL_ASSIGN_OR_RETURN(f->tensors_, ParseSafetensors({f->map_, f->size_}, &f->data_begin_));
  return f;
}

WeightFile::~WeightFile() {
  if (map_) munmap(const_cast<char*>(map_), size_);
}

StatusOr<StoredTensor> WeightFile::Stored(const std::string& name,
                                          const std::vector<int64_t>& expected) const {
  auto it = tensors_.find(name);
  if (it == tensors_.end()) return Bad("tensor '" + name + "' is missing");
  const TensorInfo& t = it->second;
  bool same = t.shape.size() == expected.size();
  for (size_t i = 0; same && i < expected.size(); ++i)
    same = expected[i] < 0 || expected[i] == t.shape[i];
  if (!same)
    return Bad("tensor '" + name + "' has shape " + ShapeText(t.shape) + ", expected " +
               ShapeText(expected));
  if (t.dtype != "F32" && t.dtype != "BF16" && t.dtype != "F16")
    return Bad("tensor '" + name + "' has dtype " + t.dtype + ", expected F32, BF16 or F16");
  StoredTensor out;
  out.format = t.dtype == "F32"   ? BlockFormat::kF32
               : t.dtype == "F16" ? BlockFormat::kF16
                                  : BlockFormat::kBF16;
  out.shape = t.shape;
  out.data = map_ + data_begin_ + t.begin;
  // Whole pages inside the tensor alone: its neighbours may not have been read yet.
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  uint64_t begin = (data_begin_ + t.begin + page - 1) / page * page,
           end = (data_begin_ + t.end) / page * page;
  if (begin < end) {
    out.keep = std::shared_ptr<const void>(map_ + begin, [bytes = end - begin](const void* p) {
      madvise(const_cast<void*>(p), bytes, MADV_DONTNEED);
    });
  }
  return out;
}

StatusOr<Tensor> WeightFile::Read(const std::string& name,
                                  const std::vector<int64_t>& expected) const {
  SL_ASSIGN_OR_RETURN(StoredTensor stored, Stored(name, expected));
  Tensor out(stored.shape);
  DequantizeRow(stored.format, stored.data, Tensor::Count(out.shape), out.data.data());
  return out;
}

}  // namespace sightline
