#include "services/pull/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "services/pull/json_walk.h"
#include "services/pull/names.h"
#include "services/pull/url.h"

namespace sightline::pull {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifest = ".sightline-pull.json";
constexpr int64_t kSpareBytes = 64 << 20;

Status DiskError(const std::string& what, const std::error_code& ec) {
  return ErrorWithReason(absl::StatusCode::kFailedPrecondition, "DISK_ERROR",
                         what + ": " + ec.message());
}

StatusOr<std::string> ReadSmall(const std::string& path, size_t most) {
  std::ifstream in(path, std::ios::binary);
  std::string text(most + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (text.empty() || text.size() > most) return absl::NotFoundError("no usable " + path);
  return text;
}

// Whole or not at all, also when the power goes.
Status WriteSmall(const std::string& path, const std::string& text) {
  const std::string draft = path + ".new";
  const int fd = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool written = fd >= 0 &&
                       write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       fdatasync(fd) == 0;
  const std::error_code ec(errno, std::generic_category());
  if (fd >= 0) close(fd);
  if (!written || rename(draft.c_str(), path.c_str()) != 0)
    return DiskError("cannot write " + path, ec);
  return absl::OkStatus();
}

std::string ManifestText(const std::string& commit, const std::vector<RemoteFile>& files) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const RemoteFile& f : files)
    list.push_back({{"path", f.path}, {"size", f.bytes}, {f.checksum.name(), f.checksum.hex}});
  return nlohmann::ordered_json{{"commit", commit}, {"files", list}}.dump(1) + "\n";
}

StatusOr<std::vector<RemoteFile>> ParseManifest(const std::string& text) {
  std::vector<RemoteFile> files;
  RemoteFile file;
  JsonVisitor visitor;
  visitor.scalar = [&](const JsonPath& path, const JsonScalar& value) {
    if (path.size() != 3 || path[0] != "files") return true;
    if (path[2] == "path") file.path = value.text;
    if (path[2] == "size") file.bytes = value.integer;
    if (path[2] == "sha256") file.checksum = {Checksum::Kind::kSha256, value.text};
    if (path[2] == "git_sha1") file.checksum = {Checksum::Kind::kGitSha1, value.text};
    return true;
  };
  visitor.object_end = [&](const JsonPath& path) {
    if (path.size() != 2) return true;
    files.push_back(std::exchange(file, {}));
    return CheckFileName(files.back().path).ok();
  };
  SL_RETURN_IF_ERROR(WalkJson(text, "the list of pulled files", visitor));
  return files;
}

bool IsEmptyTree(const std::string& folder) {
  std::error_code ec;
  for (const auto& entry : fs::recursive_directory_iterator(folder, ec)) {
    if (!entry.is_directory(ec)) return false;
  }
  return true;
}

Status SyncFolder(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    fsync(fd);
    close(fd);
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::string> DefaultCacheRoot() {
  if (const char* root = std::getenv("SIGHTLINE_HOME"); root && *root) return std::string(root);
  if (const char* user = std::getenv("HOME"); user && *user)
    return std::string(user) + "/.cache/sightline";
  return ErrorWithReason(absl::StatusCode::kFailedPrecondition, "NO_CACHE_FOLDER",
                         "neither SIGHTLINE_HOME nor HOME says where models are kept");
}

StatusOr<std::shared_ptr<void>> ModelCache::Lock() const {
  SL_RETURN_IF_ERROR(MakeFolders(folder_));
  const int fd = open((folder_ + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return DiskError("cannot write in " + folder_, {errno, std::generic_category()});
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    close(fd);
    return ErrorWithReason(absl::StatusCode::kFailedPrecondition, "PULL_RUNNING",
                           "another pull of this model is running in " + folder_);
  }
  return std::shared_ptr<void>(nullptr, [fd](void*) { close(fd); });
}

StatusOr<std::string> ModelCache::ReadRef(const std::string& revision) const {
  if (IsHex(revision, 40)) return revision;
  SL_ASSIGN_OR_RETURN(std::string commit,
                      ReadSmall(folder_ + "/refs/" + EscapeUrl(revision, false), 64));
  while (!commit.empty() && commit.back() == '\n') commit.pop_back();
  if (!IsHex(commit, 40)) return absl::NotFoundError("no commit is known for " + revision);
  return commit;
}

Status ModelCache::WriteRef(const std::string& revision, const std::string& commit) const {
  if (IsHex(revision, 40)) return absl::OkStatus();
  SL_RETURN_IF_ERROR(MakeFolders(folder_ + "/refs"));
  return WriteSmall(folder_ + "/refs/" + EscapeUrl(revision, false), commit + "\n");
}

std::vector<std::string> ModelCache::Refs() const {
  std::vector<std::string> names;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(folder_ + "/refs", ec))
    names.push_back(entry.path().filename().string());
  return names;
}

StatusOr<std::vector<RemoteFile>> ModelCache::ReadManifest(const std::string& commit) const {
  SL_ASSIGN_OR_RETURN(const std::string text, ReadSmall(Final(commit) + "/" + kManifest, 8 << 20));
  SL_ASSIGN_OR_RETURN(const std::vector<RemoteFile> files, ParseManifest(text));
  std::vector<RemoteFile> there;
  for (const RemoteFile& f : files) {
    std::error_code ec;
    const auto bytes = fs::file_size(Final(commit) + "/" + f.path, ec);
    if (!ec && static_cast<int64_t>(bytes) == f.bytes) there.push_back(f);
  }
  return there;
}

Status ModelCache::OpenStaging(const std::string& commit) const {
  std::error_code ec;
  // Of a pull that ended between its last two renames.
  if (!fs::exists(Staging(commit), ec)) fs::rename(Kept(commit), Staging(commit), ec);
  return MakeFolders(Staging(commit));
}

// Takes out of the staging folder what is none of `all`.
Status ModelCache::SetAside(const std::string& commit, const std::vector<RemoteFile>& all) const {
  std::unordered_set<std::string> wanted;
  for (const RemoteFile& f : all) wanted.insert(f.path);
  std::vector<std::string> others;
  std::error_code ec;
  for (const auto& entry : fs::recursive_directory_iterator(Staging(commit), ec)) {
    const std::string path = entry.path().lexically_relative(Staging(commit)).string();
    if (entry.is_regular_file(ec) && !wanted.contains(path)) others.push_back(path);
  }
  for (const std::string& path : others) {
    const fs::path to = fs::path(Kept(commit)) / path;
    SL_RETURN_IF_ERROR(MakeFolders(to.parent_path().string()));
    fs::rename(Staging(commit) + "/" + path, to, ec);
    if (ec) return DiskError("cannot write " + to.string(), ec);
  }
  return absl::OkStatus();
}

Status ModelCache::Publish(const std::string& commit, const std::vector<RemoteFile>& all) const {
  const std::string staging = Staging(commit), final_folder = Final(commit);
  std::error_code ec;
  if (!fs::exists(final_folder, ec)) {
    SL_RETURN_IF_ERROR(SetAside(commit, all));
    SL_RETURN_IF_ERROR(WriteSmall(staging + "/" + kManifest, ManifestText(commit, all)));
    SL_RETURN_IF_ERROR(SyncFolder(staging));
    fs::rename(staging, final_folder, ec);
    if (ec) return DiskError("cannot publish " + final_folder, ec);
    fs::rename(Kept(commit), staging, ec);  // if there is one
    return SyncFolder(folder_);
  }
  // More files of a model that is already there: each appears whole, the list last.
  for (const RemoteFile& f : all) {
    const std::string from = staging + "/" + f.path, to = final_folder + "/" + f.path;
    if (!fs::exists(from, ec)) continue;
    SL_RETURN_IF_ERROR(MakeFolders(fs::path(to).parent_path().string()));
    fs::rename(from, to, ec);
    if (ec) return DiskError("cannot publish " + to, ec);
  }
  SL_RETURN_IF_ERROR(WriteSmall(final_folder + "/" + kManifest, ManifestText(commit, all)));
  if (IsEmptyTree(staging)) fs::remove_all(staging, ec);
  return SyncFolder(final_folder);
}

Status CheckSpace(const std::string& folder, int64_t bytes) {
  std::error_code ec;
  const fs::space_info space = fs::space(folder, ec);
  if (ec) return DiskError("cannot look at the disk of " + folder, ec);
  const auto free = static_cast<int64_t>(
      std::min<uintmax_t>(space.available, std::numeric_limits<int64_t>::max()));
  if (bytes == 0 || bytes <= free - kSpareBytes) return absl::OkStatus();
  return ErrorWithReason(absl::StatusCode::kResourceExhausted, "DISK_FULL",
                         BytesText(bytes) + " are still to come and " + BytesText(free) +
                             " are free in " + folder + "; SIGHTLINE_HOME can name another disk");
}

Status MakeFolders(const std::string& path) {
  std::error_code ec;
  fs::create_directories(path, ec);
  return ec ? DiskError("cannot make the folder " + path, ec) : absl::OkStatus();
}

std::string BytesText(int64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1000 && unit + 1 < std::size(kUnits); ++unit) value /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text;
}

}  // namespace sightline::pull
