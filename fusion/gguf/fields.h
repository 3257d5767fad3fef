// Reads metadata of a GGUF file with bounds; the first thing wrong is named by its key and kept.
#pragma once

#include <string>
#include <vector>

#include "compute/weights/gguf.h"

namespace sightline {

// A view of the keys under one prefix ("qwen2.", "clip.vision."). The file and the status outlive
// it.
class GgufFields {
 public:
  GgufFields(const GgufFile& file, std::string prefix, Status* status)
      : file_(file), prefix_(std::move(prefix)), status_(status) {}

  bool Has(const std::string& key) const { return file_.Has(prefix_ + key); }
  // Required, or with a value to fall back on. Whole numbers in [low, high].
  int64_t Int(const std::string& key, int64_t low, int64_t high) const;
  int64_t Int(const std::string& key, int64_t low, int64_t high, int64_t fallback) const;
  double Real(const std::string& key, double low, double high) const;
  double Real(const std::string& key, double low, double high, double fallback) const;
  bool Bool(const std::string& key, bool fallback) const;
  std::string Text(const std::string& key, const std::string& fallback) const;
  // Empty when missing; at most `most` numbers in [low, high].
  std::vector<int64_t> Ints(const std::string& key, size_t most, int64_t low, int64_t high) const;
  std::vector<double> Reals(const std::string& key, size_t most, double low, double high) const;
  std::vector<bool> Bools(const std::string& key, size_t most) const;

  // "gguf: <prefix><key>: <what>"; the second with UNIMPLEMENTED.
  void Fail(const std::string& key, const std::string& what) const;
  void Refuse(const std::string& key, const std::string& what) const;
  const Status& status() const { return *status_; }

 private:
  template <class T>
  T Keep(StatusOr<T> value, T otherwise) const;
  void Set(absl::StatusCode code, const std::string& key, const std::string& what) const;

  const GgufFile& file_;
  std::string prefix_;
  Status* status_;
};

}  // namespace sightline
