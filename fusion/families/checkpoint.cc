#include "fusion/families/checkpoint.h"

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fusion/families/config_reader.h"
#include "fusion/gguf/weights.h"

namespace sightline {
namespace {

constexpr size_t kMaxShards = 1000, kMaxNamed = 6;

Status Bad(const std::string& what) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "MODEL_FILE_INVALID", what);
}

bool PlainName(const std::string& file) {
  return !file.empty() && file.size() < 200 && file[0] != '.' &&
         file.find('/') == std::string::npos && file.find('\\') == std::string::npos &&
         file.find('\0') == std::string::npos;
}

class SafetensorsSource : public WeightSource {
 public:
  static StatusOr<std::unique_ptr<WeightSource>> Open(const std::string& path) {
    auto source = std::make_unique<SafetensorsSource>();
    SL_ASSIGN_OR_RETURN(source->file_, WeightFile::Open(path));
    return source;
  }
  const std::map<std::string, TensorInfo>& tensors() const override { return file_->tensors(); }
  StatusOr<StoredTensor> Stored(const std::string& name,
                                const std::vector<int64_t>& expected) const override {
    return file_->Stored(name, expected);
  }

 private:
  std::shared_ptr<WeightFile> file_;
};

}  // namespace

bool MatchesPattern(const std::string& name, const std::string& pattern) {
  size_t n = 0, p = 0, star = std::string::npos, from = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p, ++n;
    } else if (star != std::string::npos) {
      p = star + 1;
      n = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Status Checkpoint::Add(std::unique_ptr<WeightSource> source) {
  for (const auto& [name, info] : source->tensors()) {
    step_.tensors_total += 1;
    step_.bytes_total += static_cast<int64_t>(info.end - info.begin);
    if (!where_.emplace(name, source.get()).second) {
      return Bad("tensor '" + name + "' stands in two weight files");
    }
  }
  sources_.push_back(std::move(source));
  return absl::OkStatus();
}

std::string Checkpoint::Shown(const std::string& name) const {
  return "'" + (sources_.empty() ? name : sources_[0]->OwnName(name)) + "'";
}

Status Checkpoint::AddShards(const std::string& directory) {
  const std::string index = "model.safetensors.index.json";
  SL_ASSIGN_OR_RETURN(Json json, ReadJsonFile(directory, index));
  auto map = json.find("weight_map");
  if (map == json.end() || !map->is_object()) return Bad(index + ": weight_map is missing");
  std::map<std::string, const WeightSource*> shards;
  for (const auto& [name, shard] : map->items()) {
    if (!shard.is_string() || !PlainName(shard.get<std::string>())) {
      return Bad(
          absl::StrCat(index, ": tensor '", name, "' needs the name of a file beside the index"));
    }
    shards[shard.get<std::string>()] = nullptr;
  }
  if (shards.size() > kMaxShards) return Bad(index + " names too many files");
  for (auto& [shard, file] : shards) {
    const auto path = std::filesystem::path(directory) / shard;
    if (!std::filesystem::is_regular_file(path)) {
      return ErrorWithReason(absl::StatusCode::kNotFound, "MODEL_FILE_MISSING",
                             absl::StrCat("the model directory lacks ", shard));
    }
    SL_ASSIGN_OR_RETURN(auto source, SafetensorsSource::Open(path));
    SL_RETURN_IF_ERROR(Add(std::move(source)));
    file = sources_.back().get();
  }
  for (const auto& [name, shard] : map->items()) {
    auto it = where_.find(name);
    if (it == where_.end() || it->second != shards[shard.get<std::string>()]) {
      return Bad(absl::StrCat("tensor '", name, "' is missing from ", shard.get<std::string>()));
    }
  }
  return absl::OkStatus();
}

StatusOr<std::unique_ptr<Checkpoint>> Checkpoint::Of(std::unique_ptr<WeightSource> source,
                                                     const Device& device) {
  std::unique_ptr<Checkpoint> c(new Checkpoint());
  c->device_ = device;
  SL_RETURN_IF_ERROR(c->Add(std::move(source)));
  return c;
}

StatusOr<std::unique_ptr<Checkpoint>> Checkpoint::Open(const std::string& directory,
                                                       const Device& device) {
  if (IsGgufPath(directory)) {
    SL_ASSIGN_OR_RETURN(GgufModel model, OpenGgufModel(directory));
    SL_ASSIGN_OR_RETURN(auto weights, GgufWeights::Open(model));
    return Of(std::move(weights), device);
  }
  std::unique_ptr<Checkpoint> c(new Checkpoint());
  c->device_ = device;
  std::error_code error;
  if (std::filesystem::exists(directory + "/model.safetensors", error)) {
    SL_ASSIGN_OR_RETURN(auto source, SafetensorsSource::Open(directory + "/model.safetensors"));
    SL_RETURN_IF_ERROR(c->Add(std::move(source)));
  } else if (std::filesystem::exists(directory + "/model.safetensors.index.json", error)) {
    SL_RETURN_IF_ERROR(c->AddShards(directory));
  } else {
    return ErrorWithReason(absl::StatusCode::kNotFound, "MODEL_FILE_MISSING",
                           "the model directory lacks model.safetensors and its index");
  }
  return c;
}

Status Checkpoint::Map(const std::vector<WeightPart>& parts) {
  for (const WeightPart& p : parts) {
    bool found = false;
    for (const std::string& prefix : p.prefixes) {
      found = where_.contains(prefix + p.probe);
      if (!found) continue;
      prefixes_[p.part] = prefix;
      break;
    }
    if (found) continue;
    // Names that mean nothing to the files are left out where others do.
    std::vector<std::string> own, all;
    for (const std::string& prefix : p.prefixes) {
      std::string name = prefix + p.probe;
      all.push_back(Shown(name));
      if (all.back() != "'" + name + "'") own.push_back(all.back());
    }
    const std::vector<std::string>& tried = own.empty() ? all : own;
    return Bad("the weights lack " + absl::StrJoin(tried, ", ") +
               (tried.size() > 1 ? " (any one of them)" : ""));
  }
  return absl::OkStatus();
}

StatusOr<StoredTensor> Checkpoint::Stored(const std::string& part, const std::string& name,
                                          const std::vector<int64_t>& shape) {
  auto prefix = prefixes_.find(part);
  SL_CHECK(prefix != prefixes_.end());
  std::string full = prefix->second + name;
  auto it = where_.find(full);
  if (it == where_.end()) return Bad("tensor " + Shown(full) + " is missing");
  SL_ASSIGN_OR_RETURN(StoredTensor tensor, it->second->Stored(full, shape));
  const TensorInfo& info = it->second->tensors().at(full);
  if (read_.insert(full).second) {
    step_.tensors_done += 1;
    step_.bytes_done += static_cast<int64_t>(info.end - info.begin);
    weights_read_ += Tensor::Count(info.shape);
  }
  if (progress_) progress_(step_);
  return tensor;
}

StatusOr<Tensor> Checkpoint::Read(const std::string& part, const std::string& name,
                                  const std::vector<int64_t>& shape) {
  SL_ASSIGN_OR_RETURN(StoredTensor stored, Stored(part, name, shape));
  Tensor tensor(stored.shape);
  DequantizeRow(stored.format, stored.data, stored.count(), tensor.data.data());
  return tensor;
}

std::string Checkpoint::Prefix(const std::string& part) const {
  auto it = prefixes_.find(part);
  return it == prefixes_.end() ? "" : it->second;
}

std::string Checkpoint::Pattern(const WeightPart& part) const {
  std::string prefix = Prefix(part.part);
  for (const auto& [other, where] : prefixes_) {
    if (other != part.part && where.starts_with(prefix)) return prefix + part.probe;
  }
  return prefix + "*";
}

std::map<std::string, TensorInfo> Checkpoint::tensors() const {
  std::map<std::string, TensorInfo> all;
  for (const auto& [name, file] : where_) all.emplace(name, file->tensors().at(name));
  return all;
}

bool Checkpoint::Has(const std::string& part, const std::string& name) const {
  auto prefix = prefixes_.find(part);
  return prefix != prefixes_.end() && where_.contains(prefix->second + name);
}

Status Checkpoint::CheckAllRead(const std::vector<std::string>& allowed) const {
  std::string names;
  size_t extra = 0;
  for (const auto& [name, file] : where_) {
    bool fine = read_.contains(name);
    for (const std::string& pattern : allowed) fine = fine || MatchesPattern(name, pattern);
    if (fine) continue;
    if (++extra <= kMaxNamed) names += (names.empty() ? "" : ", ") + Shown(name);
  }
  if (extra == 0) return absl::OkStatus();
  if (extra > kMaxNamed) names += " and " + std::to_string(extra - kMaxNamed) + " more";
  return Bad("the weights hold tensors that this model does not have: " + names);
}

}  // namespace sightline
