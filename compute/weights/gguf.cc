#include "compute/weights/gguf.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sightline {
namespace {

Status Bad(std::string_view field, std::string_view what) {
  std::string name(field);
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MODEL_FILE_INVALID",
                         "gguf: " + name + ": " + std::string(what), name);
}

template <class T>
StatusOr<T> Kind(const GgufTable& table, std::string_view key, std::string_view kind) {
  auto it = table.metadata.find(key);
  if (it == table.metadata.end()) return Bad(key, "is missing");
  if (const T* v = std::get_if<T>(&it->second)) return *v;
  return Bad(key, "must be " + std::string(kind));
}

template <class T, class Out>
void Widen(std::string_view bytes, std::vector<Out>* out) {
  out->resize(bytes.size() / sizeof(T));
  for (size_t i = 0; i < out->size(); ++i) {
    T x;
    std::memcpy(&x, bytes.data() + i * sizeof(T), sizeof(T));
    (*out)[i] = static_cast<Out>(x);  // NOLINT(bugprone-signed-char-misuse): a number of 8 bits
  }
}

// False when the array holds no numbers.
template <class Out>
bool WidenArray(const GgufArray& a, std::vector<Out>* out) {
  switch (a.type) {
    case GgufType::kU8:
      Widen<uint8_t>(a.bytes, out);
      return true;
    case GgufType::kI8:
      Widen<int8_t>(a.bytes, out);
      return true;
    case GgufType::kU16:
      Widen<uint16_t>(a.bytes, out);
      return true;
    case GgufType::kI16:
      Widen<int16_t>(a.bytes, out);
      return true;
    case GgufType::kU32:
      Widen<uint32_t>(a.bytes, out);
      return true;
    case GgufType::kI32:
      Widen<int32_t>(a.bytes, out);
      return true;
    case GgufType::kI64:
      Widen<int64_t>(a.bytes, out);
      return true;
    default:
      return false;
  }
}

}  // namespace

int64_t GgufTensor::count() const {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  return n;
}

StatusOr<std::shared_ptr<GgufFile>> GgufFile::Open(const std::string& path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return ErrorWithReason(absl::StatusCode::kNotFound, "MODEL_FILE_MISSING",
                           "a weight file of the model can't be opened");
  }
  struct stat st {};
  std::shared_ptr<GgufFile> f(new GgufFile());
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0) {
    close(fd);
    return Bad("gguf.file", "is empty or no plain file");
  }
  f->size_ = static_cast<uint64_t>(st.st_size);
  void* map = mmap(nullptr, f->size_, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (map == MAP_FAILED) return Bad("gguf.file", "can't be mapped");
  f->map_ = static_cast<const char*>(map);
  SL_ASSIGN_OR_RETURN(f->table_, ParseGguf({f->map_, f->size_}));
  return f;
}

StatusOr<std::shared_ptr<GgufFile>> GgufFile::FromBytes(std::string bytes) {
  std::shared_ptr<GgufFile> f(new GgufFile());
  f->bytes_ = std::move(bytes);
  f->map_ = f->bytes_.data();
  f->size_ = f->bytes_.size();
  SL_ASSIGN_OR_RETURN(f->table_, ParseGguf({f->map_, f->size_}));
  return f;
}

GgufFile::~GgufFile() {
  if (map_ && map_ != bytes_.data()) munmap(const_cast<char*>(map_), size_);
}

StoredTensor GgufFile::Stored(const GgufTensor& tensor) const {
  StoredTensor out{tensor.format, tensor.shape, data(tensor), nullptr};
  if (map_ == bytes_.data()) return out;
  // Whole pages inside the tensor alone: its neighbours may not have been read yet.
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  uint64_t begin = (tensor.begin + page - 1) / page * page;
  uint64_t end = (tensor.begin + tensor.bytes) / page * page;
  if (begin < end) {
    out.keep = std::shared_ptr<const void>(map_ + begin, [bytes = end - begin](const void* p) {
      madvise(const_cast<void*>(p), bytes, MADV_DONTNEED);
    });
  }
  return out;
}

StatusOr<uint64_t> GgufFile::Uint(std::string_view key) const {
  SL_ASSIGN_OR_RETURN(int64_t v, Int(key));
  if (v < 0) return Bad(key, "must not be negative");
  return static_cast<uint64_t>(v);
}

StatusOr<int64_t> GgufFile::Int(std::string_view key) const {
  auto it = table_.metadata.find(key);
  if (it == table_.metadata.end()) return Bad(key, "is missing");
  if (const auto* s = std::get_if<int64_t>(&it->second)) return *s;
  const auto* u = std::get_if<uint64_t>(&it->second);
  if (!u || *u > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return Bad(key, "must be an integer");
  }
  return static_cast<int64_t>(*u);
}

StatusOr<double> GgufFile::Float(std::string_view key) const {
  auto it = table_.metadata.find(key);
  if (it == table_.metadata.end()) return Bad(key, "is missing");
  if (const auto* f = std::get_if<double>(&it->second)) return *f;
  if (const auto* s = std::get_if<int64_t>(&it->second)) return static_cast<double>(*s);
  if (const auto* u = std::get_if<uint64_t>(&it->second)) return static_cast<double>(*u);
  return Bad(key, "must be a number");
}

StatusOr<bool> GgufFile::Bool(std::string_view key) const {
  return Kind<bool>(table_, key, "a boolean");
}

StatusOr<std::string_view> GgufFile::String(std::string_view key) const {
  return Kind<std::string_view>(table_, key, "a string");
}

StatusOr<const std::vector<std::string_view>*> GgufFile::Strings(std::string_view key) const {
  auto it = table_.metadata.find(key);
  if (it == table_.metadata.end()) return Bad(key, "is missing");
  const auto* a = std::get_if<GgufArray>(&it->second);
  if (!a || a->type != GgufType::kString) return Bad(key, "must be an array of strings");
  return &a->strings;
}

StatusOr<std::vector<int64_t>> GgufFile::Ints(std::string_view key) const {
  SL_ASSIGN_OR_RETURN(GgufArray a, Kind<GgufArray>(table_, key, "an array of integers"));
  std::vector<int64_t> out;
  if (!WidenArray(a, &out)) return Bad(key, "must be an array of integers");
  return out;
}

StatusOr<std::vector<double>> GgufFile::Floats(std::string_view key) const {
  SL_ASSIGN_OR_RETURN(GgufArray a, Kind<GgufArray>(table_, key, "an array of numbers"));
  std::vector<double> out;
  if (a.type == GgufType::kF32) {
    Widen<float>(a.bytes, &out);
  } else if (a.type == GgufType::kF64) {
    Widen<double>(a.bytes, &out);
  } else if (!WidenArray(a, &out)) {
    return Bad(key, "must be an array of numbers");
  }
  return out;
}

StatusOr<const GgufTensor*> GgufFile::Find(std::string_view name,
                                           const std::vector<int64_t>& expected) const {
  auto it = table_.tensors.find(name);
  if (it == table_.tensors.end()) return Bad(name, "the tensor is missing");
  const GgufTensor& t = it->second;
  bool same = t.shape.size() == expected.size();
  for (size_t i = 0; same && i < expected.size(); ++i) {
    same = expected[i] < 0 || expected[i] == t.shape[i];
  }
  if (!same) {
    return Bad(name, absl::StrCat("has shape [", absl::StrJoin(t.shape, ", "), "], expected [",
                                  absl::StrJoin(expected, ", "), "]"));
  }
  return &t;
}

StatusOr<std::vector<float>> GgufFile::Read(std::string_view name,
                                            const std::vector<int64_t>& expected) const {
  SL_ASSIGN_OR_RETURN(const GgufTensor* t, Find(name, expected));
  std::vector<float> out(static_cast<size_t>(t->count()));
  DequantizeRow(t->format, data(*t), t->count(), out.data());
  return out;
}

}  // namespace sightline
