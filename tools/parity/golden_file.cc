#include "tools/parity/golden_file.h"

#include <cstring>

#include "fusion/families/scenes.h"

namespace sightline::parity {

StatusOr<std::unique_ptr<GoldenFile>> GoldenFile::Open(const std::string& path) {
  auto g = std::make_unique<GoldenFile>();
  SL_ASSIGN_OR_RETURN(g->bytes_, ReadSmallFile(path, size_t{1} << 30));
  SL_ASSIGN_OR_RETURN(g->tensors_, ParseSafetensors(g->bytes_, &g->begin_));
  return g;
}

StatusOr<const TensorInfo*> GoldenFile::Find(const std::string& name,
                                             const std::string& dtype) const {
  auto it = tensors_.find(name);
  if (it == tensors_.end()) return absl::InvalidArgumentError("the golden file lacks " + name);
  if (it->second.dtype != dtype) return absl::InvalidArgumentError(name + " is not " + dtype);
  return &it->second;
}

StatusOr<Tensor> GoldenFile::Floats(const std::string& name) const {
  SL_ASSIGN_OR_RETURN(const TensorInfo* t, Find(name, "F32"));
  Tensor out(t->shape);
  std::memcpy(out.data.data(), bytes_.data() + begin_ + t->begin, t->end - t->begin);
  return out;
}

StatusOr<std::vector<int32_t>> GoldenFile::Ints(const std::string& name) const {
  SL_ASSIGN_OR_RETURN(const TensorInfo* t, Find(name, "I32"));
  std::vector<int32_t> out((t->end - t->begin) / 4);
  std::memcpy(out.data(), bytes_.data() + begin_ + t->begin, t->end - t->begin);
  return out;
}

}  // namespace sightline::parity
