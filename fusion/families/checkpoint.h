// The weights of a model: one safetensors file, shards with an index, or GGUF files. Names are told
// apart by part ("text", "vision"), so that a family reads the layouts of older and newer exporters
// alike.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fusion/families/weight_source.h"

namespace sightline {

// How far reading has come; of all weight files of the model.
struct LoadStep {
  int64_t tensors_done = 0, tensors_total = 0, bytes_done = 0, bytes_total = 0;
};
using LoadProgress = std::function<void(const LoadStep&)>;  // may be empty

// A part of the model and the prefixes its weights may stand under. The first prefix with a tensor
// prefix + probe wins.
struct WeightPart {
  std::string part;
  std::string probe;
  std::vector<std::string> prefixes;
  bool of_text() const { return part == "text" || part == "head"; }  // else of the visual half
};

// Reading takes note of what was read; not thread-safe. Files stay mapped while it lives.
class Checkpoint {
 public:
  // A directory or a GGUF file. NOT_FOUND or INVALID_ARGUMENT; a shard that is missing or lacks
  // what the index promises is named.
  static StatusOr<std::unique_ptr<Checkpoint>> Open(const std::string& path,
                                                    const Device& device = {});
  // Tensors that are at hand.
  static StatusOr<std::unique_ptr<Checkpoint>> Of(std::unique_ptr<WeightSource> source,
                                                  const Device& device = {});

  // Where the model's loaders put what they read; Read itself gives host tensors.
  const Device& device() const { return device_; }
  // INVALID_ARGUMENT names the part for which no known layout fits.
  Status Map(const std::vector<WeightPart>& parts);
  // Float32 of tensor `name` of a mapped part; its full name stands in the error. -1 in `shape`
  // matches any size.
  StatusOr<Tensor> Read(const std::string& part, const std::string& name,
                        const std::vector<int64_t>& shape);
  // The same as the file stores it, not copied: valid while the checkpoint lives.
  StatusOr<StoredTensor> Stored(const std::string& part, const std::string& name,
                                const std::vector<int64_t>& shape);
  bool Has(const std::string& part, const std::string& name) const;
  // INVALID_ARGUMENT names tensors that nobody read and no pattern ("*" stands for anything)
  // allows.
  Status CheckAllRead(const std::vector<std::string>& allowed) const;
  // Called after each tensor that is read.
  void set_progress(LoadProgress progress) { progress_ = std::move(progress); }
  // Where a mapped part stands; "" when it is not mapped.
  std::string Prefix(const std::string& part) const;
  // Matches what stands in a mapped part (MatchesPattern): all under its prefix, or its probe alone
  // where another part stands under that prefix too.
  std::string Pattern(const WeightPart& part) const;
  std::map<std::string, TensorInfo> tensors() const;
  int64_t weights_read() const { return weights_read_; }

 private:
  Status Add(std::unique_ptr<WeightSource> source);
  Status AddShards(const std::string& directory);
  std::string Shown(const std::string& name) const;  // as the files call it, in quotes

  Device device_;
  std::vector<std::unique_ptr<WeightSource>> sources_;
  std::map<std::string, const WeightSource*> where_;
  std::map<std::string, std::string> prefixes_;
  std::set<std::string> read_;
  LoadProgress progress_;
  LoadStep step_;
  int64_t weights_read_ = 0;
};

// Each "*" stands for any text.
bool MatchesPattern(const std::string& name, const std::string& pattern);

}  // namespace sightline
