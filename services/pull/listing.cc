#include "services/pull/listing.h"

#include <unordered_set>

#include "services/pull/json_walk.h"
#include "services/pull/names.h"

namespace sightline::pull {
namespace {

constexpr size_t kMostFiles = 20'000, kMostNames = 50;
constexpr int64_t kLargestFile = int64_t{1} << 46;
constexpr const char* kTree = "the hub's list of files";

Status Bad(const std::string& what) {
  return ErrorWithReason(absl::StatusCode::kInvalidArgument, "HUB_REPLY_INVALID", what);
}

// The fields of one element of the tree, as found.
struct Entry {
  std::string type, path, oid, lfs_oid;
  int64_t size = -1, lfs_size = -1;
  bool lfs = false;
};

void Take(const JsonPath& path, const JsonScalar& value, Entry* e) {
  const bool text = value.kind == JsonScalar::Kind::kString;
  const bool integer = value.kind == JsonScalar::Kind::kInteger;
  if (path.size() == 2) {
    if (path[1] == "type" && text) e->type = value.text;
    if (path[1] == "path" && text) e->path = value.text;
    if (path[1] == "oid" && text) e->oid = value.text;
    if (path[1] == "size" && integer) e->size = value.integer;
  } else if (path.size() == 3 && path[1] == "lfs") {
    e->lfs = true;
    if (path[2] == "oid" && text) e->lfs_oid = value.text;
    if (path[2] == "size" && integer) e->lfs_size = value.integer;
  }
}

StatusOr<RemoteFile> ToFile(const Entry& e) {
  SL_RETURN_IF_ERROR(CheckFileName(e.path));
  RemoteFile file{e.path, e.size, {}};
  file.checksum = e.lfs ? Checksum{Checksum::Kind::kSha256, e.lfs_oid}
                        : Checksum{Checksum::Kind::kGitSha1, e.oid};
  if (e.size < 0 || e.size > kLargestFile || (e.lfs && e.lfs_size != e.size))
    return Bad("the hub lists " + Printable(e.path) + " without a usable size");
  if (!IsHex(file.checksum.hex, e.lfs ? 64 : 40))
    return Bad("the hub lists " + Printable(e.path) + " without a usable checksum");
  return file;
}

bool IsElement(const JsonPath& path) { return path.size() == 1 && path[0] == "[]"; }

}  // namespace

Status AddTreePage(std::string_view json, std::vector<RemoteFile>* files) {
  std::unordered_set<std::string> seen;
  for (const RemoteFile& f : *files) seen.insert(f.path);
  Entry entry;
  Status failure;
  JsonVisitor visitor;
  visitor.scalar = [&](const JsonPath& path, const JsonScalar& value) {
    if (path.empty() || path[0] != "[]") return false;
    Take(path, value, &entry);
    return true;
  };
  visitor.object_end = [&](const JsonPath& path) {
    if (!IsElement(path)) return !path.empty();  // the whole must be a list
    const Entry done = std::exchange(entry, {});
    if (done.type == "directory") return true;
    auto file = ToFile(done);
    failure = file.status();
    if (failure.ok() && files->size() >= kMostFiles)
      failure = Bad("the hub lists more than " + std::to_string(kMostFiles) + " files");
    if (failure.ok() && !seen.insert(file->path).second)
      failure = Bad("the hub lists " + Printable(file->path) + " twice");
    if (!failure.ok()) return false;
    files->push_back(*std::move(file));
    return true;
  };
  Status walked = WalkJson(json, kTree, visitor);
  if (!failure.ok()) return failure;
  return walked;
}

StatusOr<std::string> ParseCommit(std::string_view json) {
  std::string commit;
  JsonVisitor visitor;
  visitor.scalar = [&](const JsonPath& path, const JsonScalar& value) {
    if (path.size() == 1 && path[0] == "sha") commit = value.text;
    return true;
  };
  SL_RETURN_IF_ERROR(WalkJson(json, "the hub's description of the model", visitor));
  if (!IsHex(commit, 40)) return Bad("the hub does not say which commit the revision stands for");
  return commit;
}

std::vector<std::string> ParseModelIds(std::string_view json) {
  std::vector<std::string> ids;
  JsonVisitor visitor;
  visitor.scalar = [&](const JsonPath& path, const JsonScalar& value) {
    if (path.size() == 2 && path[0] == "[]" && path[1] == "id" && ids.size() < kMostNames &&
        CheckRepository(value.text).ok())
      ids.push_back(value.text);
    return true;
  };
  return WalkJson(json, "the hub's search", visitor).ok() ? ids : std::vector<std::string>();
}

std::vector<std::string> ParseRefs(std::string_view json) {
  std::vector<std::string> names;
  JsonVisitor visitor;
  visitor.scalar = [&](const JsonPath& path, const JsonScalar& value) {
    if (path.size() == 3 && (path[0] == "branches" || path[0] == "tags") && path[2] == "name" &&
        names.size() < kMostNames && CheckRevision(value.text).ok())
      names.push_back(value.text);
    return true;
  };
  return WalkJson(json, "the hub's list of revisions", visitor).ok() ? names
                                                                     : std::vector<std::string>();
}

}  // namespace sightline::pull
