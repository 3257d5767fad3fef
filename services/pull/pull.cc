#include "services/pull/pull.h"

#include <algorithm>
#include <filesystem>

#include "absl/strings/str_join.h"
#include "services/pull/cache.h"
#include "services/pull/download.h"
#include "services/pull/names.h"
#include "services/pull/part_file.h"

namespace sightline::pull {
namespace {

namespace fs = std::filesystem;

// The same error with what might have been meant instead.
Status WithSuggestions(const Status& status, HubClient* hub) {
  std::vector<std::string> names;
  if (ReasonOf(status) == "REPOSITORY_NOT_FOUND") names = hub->SimilarModels();
  if (ReasonOf(status) == "REVISION_NOT_FOUND") names = hub->Revisions();
  if (names.empty()) return status;
  names.resize(std::min<size_t>(names.size(), 8));
  return ErrorWithReason(
      status.code(), ReasonOf(status),
      std::string(status.message()) + "; there is: " + absl::StrJoin(names, ", "), FieldOf(status));
}

bool Holds(const std::vector<RemoteFile>& files, const RemoteFile& wanted) {
  return std::any_of(files.begin(), files.end(), [&](const RemoteFile& f) {
    return f.path == wanted.path && f.bytes == wanted.bytes &&
           f.checksum.hex == wanted.checksum.hex;
  });
}

// The files of `held` under `folder` whose digests are right; all of them unless asked to look.
StatusOr<std::vector<RemoteFile>> Intact(std::vector<RemoteFile> held, const std::string& folder,
                                         const PullOptions& options, const PullHooks& hooks) {
  if (!options.verify) return held;
  std::vector<RemoteFile> intact;
  for (const RemoteFile& f : held) {
    SL_ASSIGN_OR_RETURN(const std::string hex, DigestFile(folder + "/" + f.path, f.checksum.kind,
                                                          f.bytes, hooks.cancelled));
    if (hex == f.checksum.hex) intact.push_back(f);
  }
  return intact;
}

int64_t TotalBytes(const std::vector<RemoteFile>& files) {
  int64_t total = 0;
  for (const RemoteFile& f : files) total += f.bytes;
  return total;
}

// What earlier runs left of `files` in the staging folder, finished or not.
int64_t StagedBytes(const std::string& staging, const std::vector<RemoteFile>& files) {
  int64_t total = 0;
  for (const RemoteFile& f : files) {
    std::error_code ec;
    const auto bytes = fs::file_size(staging + "/" + f.path + ".part", ec);
    if (!ec) total += std::min(static_cast<int64_t>(bytes), f.bytes);
  }
  return total;
}

Status NotInCache(const PullOptions& o, const ModelCache& cache, const std::string& what) {
  const std::vector<std::string> refs = cache.Refs();
  return ErrorWithReason(absl::StatusCode::kNotFound, "NOT_IN_CACHE",
                         "offline, and " + o.repository + " at " + o.revision + " " + what +
                             " in " + cache.folder() +
                             (refs.empty() ? "" : "; there is: " + absl::StrJoin(refs, ", ")) +
                             "; pull it once with a network");
}

StatusOr<PullResult> FromCache(const PullOptions& options, const ModelCache& cache,
                               const PullHooks& hooks) {
  auto commit = cache.ReadRef(options.revision);
  if (!commit.ok()) return NotInCache(options, cache, "is not");
  auto held = cache.ReadManifest(*commit);
  if (!held.ok()) return NotInCache(options, cache, "is not");
  const std::string folder = cache.Final(*commit);
  SL_ASSIGN_OR_RETURN(const auto intact, Intact(*held, folder, options, hooks));
  if (intact.size() < held->size())
    return ErrorWithReason(absl::StatusCode::kDataLoss, "CHECKSUM_MISMATCH",
                           "files of " + folder + " are damaged; pull again with a network");
  SL_ASSIGN_OR_RETURN(auto chosen, Select(intact, options.selection));
  PullResult result{folder, *commit, std::move(chosen)};
  result.bytes = TotalBytes(result.files);
  return result;
}

// Fetches what neither the finished folder nor the staging folder holds, and publishes it.
Status Complete(const PullOptions& options, const ModelCache& cache, const PullResult& plan,
                std::vector<RemoteFile> held, std::vector<RemoteFile> missing,
                const PullHooks& hooks) {
  const std::string staging = cache.Staging(plan.commit);
  SL_RETURN_IF_ERROR(cache.OpenStaging(plan.commit));
  std::vector<RemoteFile> to_fetch;
  for (const RemoteFile& f : missing) {
    // A name in the staging folder is given only to what was verified.
    std::error_code ec;
    const auto bytes = fs::file_size(staging + "/" + f.path, ec);
    if (ec || static_cast<int64_t>(bytes) != f.bytes) to_fetch.push_back(f);
  }
  SL_RETURN_IF_ERROR(CheckSpace(staging, TotalBytes(to_fetch) - StagedBytes(staging, to_fetch)));
  SL_RETURN_IF_ERROR(Download(options, plan.commit, staging, to_fetch, hooks));
  held.insert(held.end(), missing.begin(), missing.end());
  return cache.Publish(plan.commit, held);
}

}  // namespace

StatusOr<PullResult> Pull(const PullOptions& options, const PullHooks& hooks) {
  SL_RETURN_IF_ERROR(CheckRepository(options.repository));
  SL_RETURN_IF_ERROR(CheckRevision(options.revision));
  std::string root = options.cache_root;
  if (root.empty()) {
    SL_ASSIGN_OR_RETURN(root, DefaultCacheRoot());
  }
  const ModelCache cache(root, options.repository);
  if (options.offline) return FromCache(options, cache, hooks);

  SL_ASSIGN_OR_RETURN(const auto hub,
                      HubClient::Create(options.hub, options.repository, hooks.cancelled));
  auto commit = hub->Commit(options.revision);
  if (!commit.ok()) return WithSuggestions(commit.status(), hub.get());
  SL_ASSIGN_OR_RETURN(const auto listed, hub->List(*commit));
  PullResult result{cache.Final(*commit), *commit};
  SL_ASSIGN_OR_RETURN(result.files, Select(listed, options.selection));
  result.bytes = TotalBytes(result.files);

  std::shared_ptr<void> lock;
  if (!options.dry_run) {
    SL_ASSIGN_OR_RETURN(lock, cache.Lock());
  }
  auto manifest = cache.ReadManifest(*commit);
  SL_ASSIGN_OR_RETURN(const auto held,
                      Intact(manifest.ok() ? *std::move(manifest) : std::vector<RemoteFile>(),
                             result.folder, options, hooks));
  std::vector<RemoteFile> missing;
  for (const RemoteFile& f : result.files) {
    if (!Holds(held, f)) missing.push_back(f);
  }
  result.missing_bytes = TotalBytes(missing);
  if (options.dry_run) return result;
  if (!missing.empty()) SL_RETURN_IF_ERROR(Complete(options, cache, result, held, missing, hooks));
  SL_RETURN_IF_ERROR(cache.WriteRef(options.revision, *commit));
  return result;
}

}  // namespace sightline::pull
