#include "fusion/families/checkpoint.h"

#include <filesystem>

#include "fusion/families/config_reader.h"

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

Status Checkpoint::AddFile(const std::string& path) {
  SL_ASSIGN_OR_RETURN(auto file, WeightFile::Open(path));
  for (const auto& [name, info] : file->tensors()) {
    step_.tensors_total += 1;
    step_.bytes_total += static_cast<int64_t>(info.end - info.begin);
    if (!where_.emplace(name, file.get()).second) {
      return Bad("tensor '" + name + "' stands in two weight files");
    }
  }
  files_.push_back(std::move(file));
  return absl::OkStatus();
}

Status Checkpoint::AddShards(const std::string& directory) {
  const std::string index = "model.safetensors.index.json";
  SL_ASSIGN_OR_RETURN(Json json, ReadJsonFile(directory, index));
  auto map = json.find("weight_map");
  if (map == json.end() || !map->is_object()) return Bad(index + ": weight_map is missing");
  std::map<std::string, const WeightFile*> shards;
  for (const auto& [name, shard] : map->items()) {
    if (!shard.is_string() || !PlainName(shard.get<std::string>())) {
      return Bad(index + ": tensor '" + name + "' needs the name of a file beside the index");
    }
    shards[shard.get<std::string>()] = nullptr;
  }
  if (shards.size() > kMaxShards) return Bad(index + " names too many files");
  for (auto& [shard, file] : shards) {
    if (!std::filesystem::is_regular_file(directory + "/" + shard)) {
      return ErrorWithReason(absl::StatusCode::kNotFound, "MODEL_FILE_MISSING",
                             "the model directory lacks " + shard);
    }
    SL_RETURN_IF_ERROR(AddFile(directory + "/" + shard));
    file = files_.back().get();
  }
  for (const auto& [name, shard] : map->items()) {
    auto it = where_.find(name);
    if (it == where_.end() || it->second != shards[shard.get<std::string>()]) {
      return Bad("tensor '" + name + "' is missing from " + shard.get<std::string>());
    }
  }
  return absl::OkStatus();
}

StatusOr<std::unique_ptr<Checkpoint>> Checkpoint::Open(const std::string& directory,
                                                       const Device& device) {
  std::unique_ptr<Checkpoint> c(new Checkpoint());
  c->device_ = device;
  std::error_code error;
  if (std::filesystem::exists(directory + "/model.safetensors", error)) {
    SL_RETURN_IF_ERROR(c->AddFile(directory + "/model.safetensors"));
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
    std::string tried;
    for (const std::string& prefix : p.prefixes) {
      tried += (tried.empty() ? "'" : ", '") + prefix + p.probe + "'";
    }
    return Bad("the weights lack " + tried + (p.prefixes.size() > 1 ? " (any one of them)" : ""));
  }
  return absl::OkStatus();
}

StatusOr<StoredTensor> Checkpoint::Stored(const std::string& part, const std::string& name,
                                          const std::vector<int64_t>& shape) {
  auto prefix = prefixes_.find(part);
  SL_CHECK(prefix != prefixes_.end());
  std::string full = prefix->second + name;
  auto it = where_.find(full);
  if (it == where_.end()) return Bad("tensor '" + full + "' is missing");
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
    if (++extra <= kMaxNamed) names += (names.empty() ? "'" : ", '") + name + "'";
  }
  if (extra == 0) return absl::OkStatus();
  if (extra > kMaxNamed) names += " and " + std::to_string(extra - kMaxNamed) + " more";
  return Bad("the weights hold tensors that this model does not have: " + names);
}

}  // namespace sightline
