// The tensors of a GGUF model under the names that families know.
#pragma once

#include <memory>

#include "fusion/families/weight_source.h"
#include "fusion/gguf/names.h"

namespace sightline {

// Tensors that no family knows stand under their own names, so that a check for unread ones names
// them.
class GgufWeights : public WeightSource {
 public:
  static StatusOr<std::unique_ptr<GgufWeights>> Open(const GgufModel& model);

  const std::map<std::string, TensorInfo>& tensors() const override { return tensors_; }
  // Rows in another order or from several tensors are copied as they are stored; what does not join
  // row by row is made float32.
  StatusOr<StoredTensor> Stored(const std::string& name,
                                const std::vector<int64_t>& expected) const override;
  std::string OwnName(const std::string& name) const override { return names_.ToFile(name); }

 private:
  struct Piece {
    std::string name;
    const GgufFile* file = nullptr;
    const GgufTensor* tensor = nullptr;
  };
  struct Entry {
    GgufAssembly assembly = GgufAssembly::kAsIs;
    std::vector<Piece> pieces;
    int64_t heads = 0;  // kUnpermute
  };

  static StoredTensor Permuted(const StoredTensor& from, int64_t heads);
  static StoredTensor Stacked(const std::vector<StoredTensor>& from, std::vector<int64_t> shape);
  static StoredTensor Interleaved(const std::vector<StoredTensor>& from,
                                  std::vector<int64_t> shape);
  Status Add(const GgufFile& file, bool vision);
  // Shape of the whole; INVALID_ARGUMENT names the piece that does not fit.
  StatusOr<std::vector<int64_t>> ShapeOf(const Entry& entry) const;

  GgufModel model_;
  GgufNames names_;
  int64_t heads_ = 0, kv_heads_ = 0;
  std::map<std::string, Entry> entries_;
  std::map<std::string, TensorInfo> tensors_;
};

}  // namespace sightline
