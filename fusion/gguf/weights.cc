#include "fusion/gguf/weights.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fusion/gguf/config.h"

namespace sightline {
namespace {

Status Bad(const std::string& tensor, const std::string& what) {
  std::string shown = tensor.substr(0, 64);
  for (char& c : shown) c = c < 32 || c > 126 ? '?' : c;
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MODEL_FILE_INVALID",
                         absl::StrCat("gguf: ", shown, ": ", what), shown);
}

std::string Text(const std::vector<int64_t>& shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

// Row i of a head of `d` rows, in halves, lies at (i % (d / 2)) * 2 + i / (d / 2): the converter
// turned (half, pair) into (pair, half).
int64_t StoredRow(int64_t row, int64_t d) {
  int64_t head = row / d, i = row % d, half = d / 2;
  return head * d + i % half * 2 + i / half;
}

// Room for a tensor, and where it lies.
std::pair<StoredTensor, char*> NewTensor(BlockFormat format, std::vector<int64_t> shape) {
  StoredTensor t{format, std::move(shape), nullptr, nullptr};
  auto bytes = std::make_shared<std::vector<char>>(static_cast<size_t>(BytesOf(format, t.count())));
  t.data = bytes->data();
  char* to = bytes->data();
  t.keep = std::move(bytes);
  return {std::move(t), to};
}

}  // namespace

StatusOr<std::unique_ptr<GgufWeights>> GgufWeights::Open(const GgufModel& model) {
  std::unique_ptr<GgufWeights> w(new GgufWeights());
  w->model_ = model;
  SL_ASSIGN_OR_RETURN(w->names_, GgufNames::Of(model));
  SL_ASSIGN_OR_RETURN(ModelConfigs configs, ReadGgufConfigs(model));
  const Json& text =
      configs.config.contains("text_config") ? configs.config["text_config"] : configs.config;
  w->heads_ = text["num_attention_heads"];
  w->kv_heads_ = text["num_key_value_heads"];
  for (const auto& part : model.parts) SL_RETURN_IF_ERROR(w->Add(*part, false));
  if (model.vision) SL_RETURN_IF_ERROR(w->Add(*model.vision, true));
  for (const auto& [name, entry] : w->entries_) {
    TensorInfo info;
    SL_ASSIGN_OR_RETURN(info.shape, w->ShapeOf(entry));  // every piece is there from here on
    info.dtype = TraitsOf(entry.pieces[0].tensor->format).name;
    for (const Piece& p : entry.pieces) info.end += p.tensor->bytes;
    w->tensors_.emplace(name, std::move(info));
  }
  return w;
}

Status GgufWeights::Add(const GgufFile& file, bool vision) {
  for (const auto& [tensor, info] : file.table().tensors) {
    GgufTensorName n = names_.FromFile(tensor, vision);
    Entry& e = entries_[n.name];
    if (e.pieces.empty()) {
      e.assembly = n.assembly;
      e.pieces.resize(n.pieces);
      e.heads =
          n.name.ends_with("k_proj.weight") || n.name.ends_with("k_proj.bias") ? kv_heads_ : heads_;
    }
    if (e.assembly != n.assembly || e.pieces.size() != n.pieces || e.pieces[n.piece].file)
      return Bad(tensor, "stands in the files twice, or beside a tensor that holds it too");
    e.pieces[n.piece] = {tensor, &file, &info};
  }
  return absl::OkStatus();
}

StatusOr<std::vector<int64_t>> GgufWeights::ShapeOf(const Entry& e) const {
  for (size_t i = 0; i < e.pieces.size(); ++i) {
    const Piece* there = &e.pieces[0];
    for (const Piece& p : e.pieces) there = p.file ? &p : there;
    if (!e.pieces[i].file) return Bad(there->name, "another part of the same weight is missing");
  }
  const Piece& first = e.pieces[0];
  std::vector<int64_t> shape = first.tensor->shape;
  for (const Piece& p : e.pieces) {
    bool same = p.tensor->shape.size() == shape.size();
    for (size_t i = e.assembly == GgufAssembly::kStack ? 1 : 0; same && i < shape.size(); ++i)
      same = p.tensor->shape[i] == shape[i];
    if (!same)
      return Bad(p.name, absl::StrCat("has shape ", Text(p.tensor->shape), ", and ", first.name,
                                      " beside it ", Text(shape)));
  }
  if (e.assembly == GgufAssembly::kStack) {
    shape[0] = 0;
    for (const Piece& p : e.pieces) shape[0] += p.tensor->shape[0];
  }
  if (e.assembly == GgufAssembly::kInterleave) {
    if (shape.size() != 4) return Bad(first.name, "must have four dimensions");
    shape.insert(shape.begin() + 2, static_cast<int64_t>(e.pieces.size()));
  }
  if (e.assembly == GgufAssembly::kUnpermute && (shape[0] % (2 * e.heads) || shape.size() > 2))
    return Bad(first.name, absl::StrCat("has shape ", Text(shape), ", which is not rows of ",
                                        e.heads, " heads"));
  return shape;
}

StoredTensor GgufWeights::Permuted(const StoredTensor& from, int64_t heads) {
  int64_t rows = from.shape[0], width = BytesOf(from.format, from.count()) / rows;
  auto [out, to] = NewTensor(from.format, from.shape);
  for (int64_t r = 0; r < rows; ++r) {
    std::memcpy(to + r * width,
                static_cast<const char*>(from.data) + StoredRow(r, rows / heads) * width,
                static_cast<size_t>(width));
  }
  return out;
}

StoredTensor GgufWeights::Stacked(const std::vector<StoredTensor>& from,
                                  std::vector<int64_t> shape) {
  bool same = true;
  for (const StoredTensor& t : from) same = same && t.format == from[0].format;
  auto [out, to] = NewTensor(same ? from[0].format : BlockFormat::kF32, std::move(shape));
  for (const StoredTensor& t : from) {
    auto bytes = static_cast<size_t>(BytesOf(out.format, t.count()));
    if (same) {
      std::memcpy(to, t.data, bytes);
    } else {
      std::memcpy(to, FloatsOf(t).data(), bytes);
    }
    to += bytes;
  }
  return out;
}

StoredTensor GgufWeights::Interleaved(const std::vector<StoredTensor>& from,
                                      std::vector<int64_t> shape) {
  size_t taps = static_cast<size_t>(from[0].shape[2] * from[0].shape[3]) * sizeof(float);
  auto [out, to] = NewTensor(BlockFormat::kF32, std::move(shape));
  for (size_t i = 0; i < from.size(); ++i) {
    std::vector<float> values = FloatsOf(from[i]);
    const auto* source = reinterpret_cast<const char*>(values.data());
    for (size_t c = 0; c < values.size() * sizeof(float) / taps; ++c)
      std::memcpy(to + (c * from.size() + i) * taps, source + c * taps, taps);
  }
  return out;
}

StatusOr<StoredTensor> GgufWeights::Stored(const std::string& name,
                                           const std::vector<int64_t>& expected) const {
  auto it = entries_.find(name);
  if (it == entries_.end()) return Bad(OwnName(name), "the tensor is missing");
  const Entry& e = it->second;
  const std::vector<int64_t>& shape = tensors_.at(name).shape;
  bool same = shape.size() == expected.size();
  for (size_t i = 0; same && i < expected.size(); ++i)
    same = expected[i] < 0 || expected[i] == shape[i];
  if (!same)
    return Bad(OwnName(name),
               absl::StrCat("has shape ", Text(shape), ", the model needs ", Text(expected)));
  std::vector<StoredTensor> pieces;
  for (const Piece& p : e.pieces) pieces.push_back(p.file->Stored(*p.tensor));
  switch (e.assembly) {
    case GgufAssembly::kUnpermute:
      return Permuted(pieces[0], e.heads);
    case GgufAssembly::kStack:
      return Stacked(pieces, shape);
    case GgufAssembly::kInterleave:
      return Interleaved(pieces, shape);
    case GgufAssembly::kAsIs:
      break;
  }
  return std::move(pieces[0]);
}

}  // namespace sightline
