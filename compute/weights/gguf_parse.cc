// ParseGguf: from a file's bytes to its table.
#include <algorithm>
#include <bit>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "compute/weights/gguf.h"

namespace sightline {
namespace {

constexpr uint64_t kMaxTensors = 1 << 16, kMaxKeys = 1 << 16, kMaxName = 1 << 10;
constexpr uint64_t kMaxString = 16 << 20, kMaxArray = 1 << 24, kMaxAlignment = 1 << 20;
constexpr uint32_t kMaxDims = 4;

Status Bad(std::string_view field, std::string_view what) {
  std::string name(field);
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MODEL_FILE_INVALID",
                         "gguf: " + name + ": " + std::string(what), name);
}

// Bytes of a scalar, 0 for strings, arrays and unknown types.
uint64_t Width(GgufType t) {
  switch (t) {
    case GgufType::kU8:
    case GgufType::kI8:
    case GgufType::kBool:
      return 1;
    case GgufType::kU16:
    case GgufType::kI16:
      return 2;
    case GgufType::kU32:
    case GgufType::kI32:
    case GgufType::kF32:
      return 4;
    case GgufType::kU64:
    case GgufType::kI64:
    case GgufType::kF64:
      return 8;
    default:
      return 0;
  }
}

// A name may hold anything a file's author likes: errors show a clean, short form.
std::string Shown(std::string_view name) {
  std::string s(name.substr(0, 64));
  for (char& c : s) c = c < 32 || c > 126 ? '?' : c;
  return s;
}

class Parser {
 public:
  explicit Parser(std::string_view file) : file_(file) {}

  StatusOr<GgufTable> Parse() {
    SL_RETURN_IF_ERROR(Header());
    for (uint64_t i = 0; i < keys_; ++i) SL_RETURN_IF_ERROR(Pair());
    SL_RETURN_IF_ERROR(Alignment());
    for (uint64_t i = 0; i < tensors_; ++i) SL_RETURN_IF_ERROR(TensorEntry());
    SL_RETURN_IF_ERROR(Place());
    return std::move(table_);
  }

 private:
  uint64_t left() const { return file_.size() - at_; }

  template <class T>
  Status Get(std::string_view field, T* value) {
    if (left() < sizeof(T)) return Bad(field, "the file ends inside it");
    std::memcpy(value, file_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return absl::OkStatus();
  }

  Status Text(std::string_view field, uint64_t most, std::string_view* text) {
    uint64_t n = 0;
    SL_RETURN_IF_ERROR(Get(field, &n));
    if (n > most) return Bad(field, absl::StrCat("its length ", n, " exceeds ", most));
    if (n > left()) return Bad(field, "its length exceeds the file");
    *text = file_.substr(at_, n);
    at_ += n;
    return absl::OkStatus();
  }

  Status Header() {
    if (file_.substr(0, 4) != "GGUF") return Bad("gguf.magic", "the file is not GGUF");
    at_ = 4;
    SL_RETURN_IF_ERROR(Get("gguf.version", &table_.version));
    if (table_.version != 2 && table_.version != 3) {
      return Bad("gguf.version", "must be 2 or 3, little endian");
    }
    SL_RETURN_IF_ERROR(Get("gguf.tensor_count", &tensors_));
    SL_RETURN_IF_ERROR(Get("gguf.metadata_kv_count", &keys_));
    // An entry takes at least 32 bytes and a pair 13, so a count must also fit the file.
    if (tensors_ > kMaxTensors || tensors_ * 32 > left()) {
      return Bad("gguf.tensor_count", absl::StrCat(tensors_, " is too large"));
    }
    if (keys_ > kMaxKeys || keys_ * 13 > left()) {
      return Bad("gguf.metadata_kv_count", absl::StrCat(keys_, " is too large"));
    }
    return absl::OkStatus();
  }

  Status Pair() {
    std::string_view key;
    uint32_t type = 0;
    SL_RETURN_IF_ERROR(Text("gguf.metadata_key", kMaxName, &key));
    std::string field = Shown(key);
    if (key.empty()) return Bad("gguf.metadata_key", "is empty");
    SL_RETURN_IF_ERROR(Get(field, &type));
    GgufValue value;
    SL_RETURN_IF_ERROR(Value(field, static_cast<GgufType>(type), &value));
    if (!table_.metadata.emplace(key, std::move(value)).second) return Bad(field, "is given twice");
    return absl::OkStatus();
  }

  template <class T, class Wide>
  Status Number(std::string_view field, GgufValue* value) {
    T x{};
    SL_RETURN_IF_ERROR(Get(field, &x));
    *value = static_cast<Wide>(x);
    return absl::OkStatus();
  }

  Status Value(std::string_view field, GgufType type, GgufValue* value) {
    switch (type) {
      case GgufType::kU8:
        return Number<uint8_t, uint64_t>(field, value);
      case GgufType::kI8:
        return Number<int8_t, int64_t>(field, value);
      case GgufType::kU16:
        return Number<uint16_t, uint64_t>(field, value);
      case GgufType::kI16:
        return Number<int16_t, int64_t>(field, value);
      case GgufType::kU32:
        return Number<uint32_t, uint64_t>(field, value);
      case GgufType::kI32:
        return Number<int32_t, int64_t>(field, value);
      case GgufType::kF32:
        return Number<float, double>(field, value);
      case GgufType::kU64:
        return Number<uint64_t, uint64_t>(field, value);
      case GgufType::kI64:
        return Number<int64_t, int64_t>(field, value);
      case GgufType::kF64:
        return Number<double, double>(field, value);
      case GgufType::kBool: {
        uint8_t b = 0;
        SL_RETURN_IF_ERROR(Get(field, &b));
        if (b > 1) return Bad(field, "a boolean must be 0 or 1");
        *value = b == 1;
        return absl::OkStatus();
      }
      case GgufType::kString: {
        std::string_view text;
        SL_RETURN_IF_ERROR(Text(field, kMaxString, &text));
        *value = text;
        return absl::OkStatus();
      }
      case GgufType::kArray: {
        GgufArray array;
        SL_RETURN_IF_ERROR(Array(field, &array));
        *value = std::move(array);
        return absl::OkStatus();
      }
    }
    return Bad(field, absl::StrCat("unknown value type ", static_cast<uint32_t>(type)));
  }

  Status Array(std::string_view field, GgufArray* array) {
    uint32_t type = 0;
    SL_RETURN_IF_ERROR(Get(field, &type));
    SL_RETURN_IF_ERROR(Get(field, &array->count));
    array->type = static_cast<GgufType>(type);
    bool text = array->type == GgufType::kString;
    uint64_t width = text ? 8 : Width(array->type);
    if (width == 0) return Bad(field, absl::StrCat("unknown array type ", type));
    if (array->count > kMaxArray) {
      return Bad(field, absl::StrCat("its count ", array->count, " exceeds ", kMaxArray));
    }
    if (array->count > left() / width) return Bad(field, "its count exceeds the file");
    if (!text) {
      array->bytes = file_.substr(at_, array->count * width);
      at_ += array->bytes.size();
      return absl::OkStatus();
    }
    array->strings.resize(array->count);
    for (std::string_view& s : array->strings) SL_RETURN_IF_ERROR(Text(field, kMaxString, &s));
    return absl::OkStatus();
  }

  Status Alignment() {
    constexpr std::string_view kKey = "general.alignment";
    auto it = table_.metadata.find(kKey);
    if (it == table_.metadata.end()) return absl::OkStatus();
    const auto* n = std::get_if<uint64_t>(&it->second);
    if (!n || *n < 8 || *n > kMaxAlignment || !std::has_single_bit(*n)) {
      return Bad(kKey, "must be a power of two from 8 to 2^20");
    }
    table_.alignment = static_cast<uint32_t>(*n);
    return absl::OkStatus();
  }

  Status TensorEntry() {
    std::string_view name;
    SL_RETURN_IF_ERROR(Text("gguf.tensor_name", kMaxName, &name));
    if (name.empty()) return Bad("gguf.tensor_name", "is empty");
    std::string field = Shown(name);
    uint32_t dims = 0, type = 0;
    SL_RETURN_IF_ERROR(Get(field, &dims));
    if (dims < 1 || dims > kMaxDims) return Bad(field, absl::StrCat("has ", dims, " dimensions"));
    GgufTensor t;
    uint64_t count = 1;
    for (uint32_t i = 0; i < dims; ++i) {
      uint64_t n = 0;
      SL_RETURN_IF_ERROR(Get(field, &n));
      if (n < 1 || n > (1ull << 40) || __builtin_mul_overflow(count, n, &count) ||
          count > (1ull << 48)) {
        return Bad(field, "has a bad dimension");
      }
      t.shape.insert(t.shape.begin(), static_cast<int64_t>(n));
    }
    SL_RETURN_IF_ERROR(Get(field, &type));
    SL_RETURN_IF_ERROR(Get(field, &t.begin));
    const BlockTraits* traits = FindBlockTraits(type);
    if (!traits) {
      return Bad(field, absl::StrCat("has type ", type,
                                     ", which is none of F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K"));
    }
    if (t.shape.back() % traits->values != 0) {
      return Bad(field, absl::StrCat("its rows are no multiple of ", traits->values, ", as ",
                                     std::string(traits->name), " needs"));
    }
    t.format = traits->format;
    t.bytes = count / static_cast<uint64_t>(traits->values) * static_cast<uint64_t>(traits->bytes);
    if (!table_.tensors.emplace(name, std::move(t)).second) return Bad(field, "is given twice");
    return absl::OkStatus();
  }

  // Offsets count from the first aligned byte after the table.
  Status Place() {
    uint64_t start = (at_ + table_.alignment - 1) / table_.alignment * table_.alignment;
    if (!table_.tensors.empty() && start > file_.size()) {
      return Bad("gguf.tensor_data", "the file ends before it");
    }
    std::vector<std::pair<uint64_t, const std::pair<const std::string, GgufTensor>*>> order;
    for (auto& entry : table_.tensors) {
      GgufTensor& t = entry.second;
      if (t.begin % table_.alignment != 0)
        return Bad(Shown(entry.first), "its offset is not aligned");
      uint64_t room = file_.size() - start;
      if (t.begin > room || t.bytes > room - t.begin) {
        return Bad(Shown(entry.first), "lies outside the file");
      }
      t.begin += start;
      order.emplace_back(t.begin, &entry);
    }
    std::sort(order.begin(), order.end());
    for (size_t i = 1; i < order.size(); ++i) {
      if (order[i].first - order[i - 1].first < order[i - 1].second->second.bytes) {
        return Bad(Shown(order[i].second->first), "overlaps another tensor");
      }
    }
    return absl::OkStatus();
  }

  std::string_view file_;
  uint64_t at_ = 0, tensors_ = 0, keys_ = 0;
  GgufTable table_;
};

}  // namespace

StatusOr<GgufTable> ParseGguf(std::string_view file) { return Parser(file).Parse(); }

}  // namespace sightline
